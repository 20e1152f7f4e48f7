"""Request headers of a gRPC call, metadata, and timeouts.

The names and formats are those of gRPC's PROTOCOL-HTTP2 document.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb.grpc.http2.streams import Headers

_TIMEOUT_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_TIMEOUT_DIGITS = 8
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.-")

RESPONSE: Headers = ((":status", "200"), ("content-type", "application/grpc"))


def request(
    method: str,
    authority: str,
    timeout: float | None,
    metadata: Iterable[tuple[str, str]],
    *,
    scheme: str = "http",
) -> Headers:
    """Build the headers of a call; ``timeout`` is in seconds.

    The value of a name that ends in ``-bin`` is base64, as on the wire. Raises
    :class:`~llb.errors.InvalidValueError` for metadata that gRPC cannot carry.
    """
    headers = [
        (":method", "POST"),
        (":scheme", scheme),
        (":path", method),
        (":authority", authority),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("user-agent", "pyllb"),
    ]
    if timeout is not None:
        headers.append(("grpc-timeout", format_timeout(timeout)))
    headers += [checked_pair(name.lower(), value) for name, value in metadata]
    return tuple(headers)


def checked_pair(name: str, value: str) -> tuple[str, str]:
    """Check a pair of metadata, whose name is in lower case; raises InvalidValueError."""
    if not name or not _NAME.issuperset(name):
        raise InvalidValueError(f"invalid metadata name {name!r}")
    if not (value.isascii() and value.isprintable()):
        raise InvalidValueError(
            f"invalid value {value!r} of metadata {name!r}: expected printable ASCII",
            hint="encode it, or use a name that ends in -bin with a base64 value",
        )
    return name, value


def parse_metadata(headers: Headers) -> Mapping[str, tuple[str, ...]]:
    """Group the header values by name, without pseudo-headers."""
    metadata: dict[str, list[str]] = {}
    for name, value in headers:
        if not name.startswith(":"):
            metadata.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in metadata.items()}


def format_timeout(seconds: float) -> str:
    """Format a timeout in the finest unit that fits 8 digits, rounded up.

    >>> format_timeout(1.5), format_timeout(864000)
    ('1500000u', '864000S')
    """
    for unit in ("u", "m", "S", "M"):
        count = ceil(seconds / _TIMEOUT_UNITS[unit])
        if count < 10**_TIMEOUT_DIGITS:
            return f"{max(count, 0)}{unit}"
    return f"{min(ceil(seconds / 3600), 10**_TIMEOUT_DIGITS - 1)}H"


def parse_timeout(text: str) -> float | None:
    """Parse a timeout into seconds; None if it is malformed."""
    digits, unit = text[:-1], text[-1:]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _TIMEOUT_DIGITS):
        return None
    scale = _TIMEOUT_UNITS.get(unit)
    return None if scale is None else int(digits) * scale
