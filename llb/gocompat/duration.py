"""Parse and format durations as Go's ``time.Duration`` does: ``1m30s``."""

from __future__ import annotations

import re

from llb._lazy import lazy_imports

with lazy_imports(__name__):
    import fractions  # 2 ms

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,
    "\u03bcs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(rf"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)({'|'.join(sorted(_UNITS, reverse=True))})")
_NUMBER_AND_UNIT = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)([^0-9.]*)")
_LIMIT = 2**63

MILLISECOND = _UNITS["ms"]


def parse_duration(text: str) -> int:
    """Parse a duration into nanoseconds.

    Raises ValueError in the words of Go's ``time.ParseDuration``.

    >>> parse_duration("1m30s") == 90_000_000_000
    True
    """
    sign = -1 if text.startswith("-") else 1
    unsigned = text[1:] if text.startswith(("-", "+")) else text
    if unsigned == "0":
        return 0

    total, offset = 0, 0
    while match := _PART.match(unsigned, offset):
        total += int(fractions.Fraction(match[1].rstrip(".")) * _UNITS[match[2]])
        offset = match.end()
    if not unsigned or offset != len(unsigned) or total >= _LIMIT:
        raise ValueError(f'time: {_reason(unsigned)} duration "{text}"')
    return sign * total


def _reason(remainder: str) -> str:
    """Describe the first part that cannot be parsed."""
    while match := _NUMBER_AND_UNIT.match(remainder):
        if not match[1]:
            return "missing unit in"
        if match[1] not in _UNITS:
            return f'unknown unit "{match[1]}" in'
        remainder = remainder[match.end() :]
    return "invalid"


def format_duration(nanoseconds: int) -> str:
    """Format a duration with hours, minutes and seconds, or one smaller unit below a second.

    >>> format_duration(90_500_000_000)
    '1m30.5s'
    """
    if nanoseconds == 0:
        return "0s"
    for unit, following in (("ns", "us"), ("\u00b5s", "ms"), ("ms", "s")):
        if nanoseconds < _UNITS[following]:
            return f"{_decimal(nanoseconds, _UNITS[unit])}{unit}"
    minutes, remainder = divmod(nanoseconds, _UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_decimal(remainder, _UNITS['s'])}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def _decimal(value: int, unit: int) -> str:
    whole, remainder = divmod(value, unit)
    fraction = f"{remainder:0{len(str(unit)) - 1}d}".rstrip("0") if remainder else ""
    return f"{whole}.{fraction}" if fraction else str(whole)
