"""Parse the ports of EXPOSE: numbers, ranges and protocols."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.dockerfile.errors import catalogue as errors

with lazy_imports(__name__):
    import ipaddress  # 1 ms

if TYPE_CHECKING:
    from llb.errors import Span

PROTOCOLS = ("tcp", "udp", "sctp")
_SIMPLE = re.compile(r"[1-9][0-9]{0,3}(?:/(?:tcp|udp|sctp))?\Z")


def parse_port(text: str, span: Span) -> tuple[str, ...]:
    """Parse ``[[ip:]host:]container[/protocol]`` into ports like ``80/tcp``.

    Host parts are checked and dropped, as in Docker. Raises DockerfileError.
    """
    if _SIMPLE.match(text) is not None:
        return (text if "/" in text else f"{text}/tcp",)
    *host, container = text.rsplit(":", maxsplit=2)
    port, _, protocol = container.partition("/")
    if not port:
        raise errors.bad_port(span, f'invalid port: "{text}": no port specified')
    if protocol and protocol.lower() not in PROTOCOLS:
        raise errors.bad_port(span, f'invalid port: "{text}": invalid proto: {protocol}')
    if len(host) == 2:
        _check_address(host[0].removeprefix("[").removesuffix("]"), span)
    first, last = _parse_range(port, "containerPort", span)
    if host and host[-1]:
        host_first, host_last = _parse_range(host[-1], "hostPort", span)
        if last - first != host_last - host_first and first != last:
            reason = "invalid ranges specified for container and host Ports"
            raise errors.bad_port(span, f"{reason}: {port} and {host[-1]}")
    return tuple(f"{number}/{protocol.lower() or 'tcp'}" for number in range(first, last + 1))


def _parse_range(ports: str, field: str, span: Span) -> tuple[int, int]:
    first, dash, last = ports.partition("-")
    low = _parse_number(first)
    high = _parse_number(last) if dash else low
    if low is None or high is None or high < low:
        hint = "expected a number from 0 to 65535, or a range like 8000-8010"
        raise errors.bad_port(span, f"invalid {field}: {ports}", hint=hint)
    return low, high


def _parse_number(digits: str) -> int | None:
    match = re.fullmatch(r"\+?0*([0-9]{1,5})", digits)
    return None if match is None or int(match[1]) > 65535 else int(match[1])


def _check_address(address: str, span: Span) -> None:
    if not address:
        return

    try:
        # Go does not accept an address with a zone here.
        ipaddress.ip_address("" if "%" in address else address)
    except ValueError as error:
        raise errors.bad_port(span, f"invalid IP address: {address}") from error
