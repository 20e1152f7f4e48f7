"""Text for a display: sizes for people, and the output of steps without what moves a cursor."""

from __future__ import annotations

import re

# ECMA-48: a control sequence, a string up to its terminator, any other escape; then what is left
# of the control characters.
_CONTROLS = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def human_size(size: int) -> str:
    """Return a number of bytes in the unit that a person reads: ``3.2 MB``.

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
    r"""Return one line as it stands on a terminal: what was last written over it, in no color.

    >>> visible("10%\r\x1b[32m20%\x1b[0m\r")
    '20%'
    """
    return _CONTROLS.sub("", line.rstrip("\r\n").rpartition("\r")[2]).replace("\n", " ")
