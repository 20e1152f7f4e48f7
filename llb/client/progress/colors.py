"""Colors of the live display, by NO_COLOR and BUILDKIT_COLORS as BuildKit reads it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from attrs import evolve, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = ("black", "blue", "cyan", "green", "magenta", "red", "white", "yellow")
_KEYS = ("run", "cancel", "error", "warning")


@frozen
class Colors:
    """Styles of rich: of steps that run or are done, were stopped, failed, and of warnings.

    ``run`` is absent where each kind of step has its own.
    """

    run: str | None = None
    cancel: str = "yellow"
    error: str = "red"
    warning: str = "yellow"


def parse_colors(environ: Mapping[str, str]) -> tuple[Colors, tuple[str, ...]]:
    """Return the colors of ``run=cyan:error=1,2,3``, and what is wrong in it.

    A color is a name, as ``light-blue``, or red, green and blue from 0 to 255. What is
    wrong is left out.

    >>> parse_colors({"BUILDKIT_COLORS": "run=light-blue:warn=red"})[1]
    ("BUILDKIT_COLORS has no color for 'warn', but for run, cancel, error, warning",)
    """
    colors, problems = Colors(), []
    text = environ.get("BUILDKIT_COLORS", "")
    for entry in next(csv.reader([text], delimiter=":"), []):
        key, _, value = entry.partition("=")
        style = _style(value)
        if key.lower() not in _KEYS:
            problems.append(f"BUILDKIT_COLORS has no color for {key!r}, but for {', '.join(_KEYS)}")
        elif style is None:
            problems.append(f"BUILDKIT_COLORS has no color {value!r}: name one, or give R,G,B")
        else:
            colors = evolve(colors, **{key.lower(): style})
    return colors, tuple(problems)


def _style(value: str) -> str | None:
    name = value.lower().removeprefix("light-")
    if name in _NAMES:
        return f"bright_{name}" if value.lower().startswith("light-") else name
    if value.lower() == "default":
        return "default"
    parts = value.split(",")
    if len(parts) == 3 and all(each.isdecimal() and int(each) <= 255 for each in parts):
        return f"rgb({','.join(str(int(each)) for each in parts)})"
    return None
