"""Record a terminal as an animated SVG that plays in any browser.

Frames are stacked vertically, and a window of one frame's size steps from frame to frame. Equal
rows are defined once and referenced.
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
"""The runs of a row: column, CSS classes and text of each."""
Frame: TypeAlias = "tuple[float, tuple[Row, ...]]"
"""The seconds since the start, and the rows."""

_PAUSE = 0.2
# How long the last frame stays before the animation restarts.
_LAST = 5.0
_WIDTH, _HEIGHT, _MARGIN = 8.4, 18, 12
# Runs split at two or more spaces; the column of each run accounts for the gap.
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
    """Yield a frame whenever the terminal changes, until its program ends."""
    begin = time.monotonic()
    last: tuple[Row, ...] = ()
    is_running = True
    while is_running:
        is_running = terminal.read(_PAUSE)
        rows = tuple(_row(terminal, number) for number in range(terminal.screen.lines))
        if any(rows) and rows != last:
            last = rows
            yield time.monotonic() - begin, rows


def to_svg(frames: Sequence[Frame], *, columns: int, lines: int, title: str) -> str:
    """Render frames as an animated terminal with a title."""
    width, height = round(columns * _WIDTH), (lines + 1) * _HEIGHT
    outer = (width + 2 * _MARGIN, height + 2 * _MARGIN)
    rows = dict.fromkeys(row for _, frame in frames for row in frame if row)
    names = {row: f"r{number}" for number, row in enumerate(rows)}
    drawn = (_draw(frame, names, n * height) for n, (_, frame) in enumerate(frames))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {outer[0]} {outer[1]}">',
            f"<style>\n{_STYLE}{_colors()}{_animation(frames, height)}</style>",
            f"<defs>\n{''.join(_define(row, name) for row, name in names.items())}</defs>",
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


def _define(row: Row, name: str) -> str:
    """Define a row under its name; each run has the width of its cells on a terminal."""
    runs = "".join(
        f'<tspan x="{column * _WIDTH:.1f}" textLength="{len(text) * _WIDTH:.1f}"'
        + (f' class="{look}"' if look else "")
        + f">{escape(text)}</tspan>"
        for column, look, text in row
    )
    return f'<text id="{name}">{runs}</text>\n'


def _draw(rows: Iterable[Row], names: Mapping[Row, str], top: int) -> str:
    positions = ((top + (n + 1) * _HEIGHT - 4, names[row]) for n, row in enumerate(rows) if row)
    return "".join(f'<use href="#{name}" y="{y}"/>' for y, name in positions)


def _colors() -> str:
    return "".join(f".{name} {{ fill: {color} }}\n" for name, color in _COLORS.items())


def _animation(frames: Sequence[Frame], height: int) -> str:
    """Build the animation; without animation support, the middle frame is shown."""
    begin, length = frames[0][0], frames[-1][0] - frames[0][0] + _LAST
    keyframes = [(100 * (at - begin) / length, -n * height) for n, (at, _) in enumerate(frames)]
    keyframes.append((100, keyframes[-1][1]))
    steps = "".join(f"{at:.2f}% {{ transform: translateY({y}px) }}\n" for at, y in keyframes)
    middle = keyframes[len(frames) // 2][1]
    return (
        f"@keyframes steps {{\n{steps}}}\n"
        f".frames {{ transform: translateY({middle}px);"
        f" animation: steps {length:.2f}s step-end infinite }}\n"
    )
