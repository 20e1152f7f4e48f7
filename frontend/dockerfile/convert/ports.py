"""Ports of EXPOSE: numbers, ranges and protocols."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from frontend.dockerfile import errors

if TYPE_CHECKING:
    from llb.errors import Span

_PROTOCOLS = ("tcp", "udp", "sctp")


def parse_port(text: str, span: Span) -> tuple[str, ...]:
    """Return the ports that ``[[ip:]host:]container[/protocol]`` names, as ``80/tcp``.

    Host parts are checked and dropped, as Docker does. Raises DockerfileError.
    """
    *host, container = text.rsplit(":", maxsplit=2)
    port, _, protocol = container.partition("/")
    if not port:
        raise errors.bad_port(span, text, "no port specified")
    if protocol and protocol.lower() not in _PROTOCOLS:
        raise errors.bad_port(span, text, f"invalid proto: {protocol}")
    first, last = _range(port, text, span)
    if len(host) == 2:
        _check_address(host[0], text, span)
    if host and host[-1]:
        host_first, host_last = _range(host[-1], text, span)
        if last - first != host_last - host_first and first != last:
            raise errors.bad_port(span, text, "the ranges have different lengths")
    return tuple(f"{number}/{protocol.lower() or 'tcp'}" for number in range(first, last + 1))


def _range(text: str, whole: str, span: Span) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    numbers = [_number(each, whole, span) for each in ((first, last) if dash else (first, first))]
    if numbers[1] < numbers[0]:
        raise errors.bad_port(span, whole, f"invalid port range: {text}")
    return numbers[0], numbers[1]


def _number(text: str, whole: str, span: Span) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise errors.bad_port(span, whole, f"invalid port number {text!r}, expected 0 to 65535")
    return int(text)


def _check_address(text: str, whole: str, span: Span) -> None:
    if not text:
        return
    try:
        ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError as error:
        raise errors.bad_port(span, whole, f"invalid IP address: {text}") from error
