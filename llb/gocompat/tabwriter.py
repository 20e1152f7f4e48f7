"""Align columns of text, as Go's ``text/tabwriter`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def align(rows: Iterable[tuple[str, ...]], padding: int) -> str:
    """Align cells in columns; each row becomes a line with a newline.

    A cell that contains tabs counts as several cells, and one that contains newlines ends its row.

    >>> print(align([("A", "B"), ("long", "short")], padding=2), end="")
    A     B
    long  short
    """
    lines = [line.split("\t") for row in rows for line in "\t".join(row).split("\n")]
    widths: list[list[int]] = [[] for _ in lines]
    _measure(lines, widths, padding)
    return "".join(
        "".join(map(str.ljust, line, [*line_widths, 0])) + "\n"
        for line, line_widths in zip(lines, widths, strict=True)
    )


def _measure(lines: list[list[str]], widths: list[list[int]], padding: int) -> None:
    """Fill in the widths: a column spans consecutive lines that have a cell in it."""
    for column in range(max((len(line) for line in lines), default=0) - 1):
        block: list[int] = []
        for number in range(len(lines) + 1):
            # The last cell of a line belongs to no column.
            if number < len(lines) and column < len(lines[number]) - 1:
                block.append(number)
                continue
            width = max((len(lines[row][column]) for row in block), default=0) + padding
            for row in block:
                widths[row].append(width)
            block = []
