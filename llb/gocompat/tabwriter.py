"""Text in columns, as Go's ``text/tabwriter`` aligns it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def align(rows: Iterable[tuple[str, ...]], padding: int) -> str:
    """Return rows as lines whose cells stand below each other; each line ends with a newline.

    A cell that holds tabs is several, and one that holds newlines ends its row.

    >>> print(align([("A", "B"), ("long", "short")], padding=2), end="")
    A     B
    long  short
    """
    lines = [line.split("\t") for row in rows for line in "\t".join(row).split("\n")]
    widths: list[list[int]] = [[] for _ in lines]
    _measure(lines, widths, padding)
    return "".join(
        "".join(map(str.ljust, line, [*found, 0])) + "\n"
        for line, found in zip(lines, widths, strict=True)
    )


def _measure(lines: list[list[str]], widths: list[list[int]], padding: int) -> None:
    """Find the widths: a column reaches over the lines that follow each other and have it."""
    for column in range(max((len(line) for line in lines), default=0) - 1):
        block: list[int] = []
        for number in range(len(lines) + 1):
            # The last cell of a line stands in no column.
            if number < len(lines) and column < len(lines[number]) - 1:
                block.append(number)
                continue
            width = max((len(lines[each][column]) for each in block), default=0) + padding
            for each in block:
                widths[each].append(width)
            block = []
