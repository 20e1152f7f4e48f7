"""What stands on a terminal, time after time, as one SVG picture that moves in any browser.

Frames lie below each other, and a window of the size of one steps from each to the next at its
time. Rows that are equal are drawn once and referred to.
"""

from __future__ import annotations

import re
import time
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pyte.screens import Char

    from components.terminal import Terminal

Row: TypeAlias = "tuple[tuple[int, str, str], ...]"
"""Runs of a row: the column of each, how it looks as classes, and its text."""
Frame: TypeAlias = "tuple[float, tuple[Row, ...]]"
"""The seconds since the begin, and the rows."""

_PAUSE = 0.2
# How long the last frame stays before it begins again.
_LAST = 5.0
_WIDTH, _HEIGHT, _MARGIN = 8.4, 18, 12
# Blanks in a row are left to the columns of what follows.
_WORDS = re.compile(r"\S+(?: \S+)*")
_COLORS = {
    "green": "#56d364",
    "blue": "#79c0ff",
    "cyan": "#76e3ea",
    "red": "#ff7b72",
    "brown": "#e3b341",
    "magenta": "#d2a8ff",
    "white": "#f0f6fc",
    "black": "#6e7681",
}
_STYLE = """\
text { font: 14px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #c9d1d9 }
.bold { font-weight: bold }
.faint { fill: #8b949e }
"""


def record(terminal: Terminal) -> Iterator[Frame]:
    """Yield what stands on a terminal at different times, until its program ends."""
    begin = time.monotonic()
    last: tuple[Row, ...] = ()
    goes_on = True
    while goes_on:
        goes_on = terminal.read(_PAUSE)
        rows = tuple(_row(terminal, number) for number in range(terminal.screen.lines))
        if any(rows) and rows != last:
            last = rows
            yield time.monotonic() - begin, rows


def to_svg(frames: Sequence[Frame], *, columns: int, lines: int, title: str) -> str:
    """Return frames as a picture of a terminal, with a title above."""
    width, height = round(columns * _WIDTH), (lines + 1) * _HEIGHT
    outer = (width + 2 * _MARGIN, height + 2 * _MARGIN)
    rows = dict.fromkeys(row for _, frame in frames for row in frame if row)
    names = {row: f"r{number}" for number, row in enumerate(rows)}
    drawn = (_drawn(frame, names, n * height) for n, (_, frame) in enumerate(frames))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {outer[0]} {outer[1]}">',
            f"<style>\n{_STYLE}{_colors()}{_motion(frames, height)}</style>",
            f"<defs>\n{''.join(_defined(row, name) for row, name in names.items())}</defs>",
            '<rect width="100%" height="100%" rx="8" fill="#0d1117"/>',
            f'<svg x="{_MARGIN}" y="{_MARGIN}" width="{width}" height="{height}">',
            f'<text class="faint" y="{_HEIGHT - 4}">{escape(title)}</text>',
            f'<svg y="{_HEIGHT}" height="{height - _HEIGHT}">',
            '<g class="frames">',
            *drawn,
            "</g>\n</svg>\n</svg>\n</svg>\n",
        ]
    )


def _row(terminal: Terminal, number: int) -> Row:
    cells = terminal.screen.buffer[number]
    runs: list[tuple[int, str, str]] = []
    column = 0
    for look, group in groupby((cells[x] for x in range(terminal.screen.columns)), _look):
        text = "".join(cell.data for cell in group)
        runs += [(column + match.start(), look, match[0]) for match in _WORDS.finditer(text)]
        column += len(text)
    return tuple(runs)


def _look(cell: Char) -> str:
    color = cell.fg if cell.fg in _COLORS else ""
    words = (color, "bold" if cell.bold else "", "faint" if cell.italics else "")
    return " ".join(word for word in words if word)


def _defined(row: Row, name: str) -> str:
    """Return a row under its name; each run is as wide as its letters are on a terminal."""
    runs = "".join(
        f'<tspan x="{column * _WIDTH:.1f}" textLength="{len(text) * _WIDTH:.1f}"'
        + (f' class="{look}"' if look else "")
        + f">{escape(text)}</tspan>"
        for column, look, text in row
    )
    return f'<text id="{name}">{runs}</text>\n'


def _drawn(rows: Iterable[Row], names: Mapping[Row, str], top: int) -> str:
    places = ((top + (n + 1) * _HEIGHT - 4, names[row]) for n, row in enumerate(rows) if row)
    return "".join(f'<use href="#{name}" y="{y}"/>' for y, name in places)


def _colors() -> str:
    return "".join(f".{name} {{ fill: {color} }}\n" for name, color in _COLORS.items())


def _motion(frames: Sequence[Frame], height: int) -> str:
    """Return the animation; where there is none, the frame in the middle stands still."""
    begin, length = frames[0][0], frames[-1][0] - frames[0][0] + _LAST
    places = [(100 * (at - begin) / length, -n * height) for n, (at, _) in enumerate(frames)]
    places.append((100, places[-1][1]))
    steps = "".join(f"{at:.2f}% {{ transform: translateY({y}px) }}\n" for at, y in places)
    middle = places[len(frames) // 2][1]
    return (
        f"@keyframes steps {{\n{steps}}}\n"
        f".frames {{ transform: translateY({middle}px);"
        f" animation: steps {length:.2f}s step-end infinite }}\n"
    )
