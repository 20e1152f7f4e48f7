"""Text for a display: human-readable sizes, and step output without terminal control sequences."""

from __future__ import annotations

import re

# ECMA-48: a control sequence, a string up to its terminator, any other escape; then the remaining
# control characters.
_CONTROLS = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def human_size(size: int) -> str:
    """Format a number of bytes with a decimal unit: ``3.2 MB``.

    >>> human_size(3_200_000)
    '3.2 MB'
    """
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def visible(line: str) -> str:
    r"""Reduce a line to what a terminal shows: uncolored text after the last carriage return.

    >>> visible("10%\r\x1b[32m20%\x1b[0m\r")
    '20%'
    """
    return _CONTROLS.sub("", line.rstrip("\r\n").rpartition("\r")[2]).replace("\n", " ")
