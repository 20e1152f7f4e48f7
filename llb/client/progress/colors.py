"""Colors of the live display, from NO_COLOR and BUILDKIT_COLORS as in BuildKit."""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING, TextIO

from attrs import evolve, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = ("black", "blue", "cyan", "green", "magenta", "red", "white", "yellow")
# CI services whose logs show colors, and what other tools use to force them.
_FORCING = ("FORCE_COLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "TRAVIS")
_KEYS = ("run", "cancel", "error", "warning")


@frozen
class Colors:
    """The rich styles of running or finished steps, canceled and failed steps, and warnings.

    If ``run`` is None, each kind of step has its default color.
    """

    run: str | None = None
    cancel: str = "yellow"
    error: str = "red"
    warning: str = "yellow"


def has_colors(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Check whether the reader of a stream shows colors: a terminal, or the log of a CI."""
    if environ.get("NO_COLOR"):
        return False
    return stream.isatty() or any(environ.get(name) for name in _FORCING)


def parse_colors(environ: Mapping[str, str]) -> tuple[Colors, tuple[str, ...]]:
    """Parse colors such as ``run=cyan:error=1,2,3``, and list the invalid entries.

    A color is a name such as ``light-blue``, or red, green and blue from 0 to 255. Invalid entries
    are skipped.

    >>> parse_colors({"BUILDKIT_COLORS": "run=light-blue:warn=red"})[1]
    ("unknown key 'warn' in BUILDKIT_COLORS: expected run, cancel, error, warning",)
    """
    colors, problems = Colors(), []
    setting = environ.get("BUILDKIT_COLORS", "")
    for entry in next(csv.reader([setting], delimiter=":"), []):
        key, _, value = entry.partition("=")
        style = _style(value)
        if key.lower() not in _KEYS:
            problems.append(f"unknown key {key!r} in BUILDKIT_COLORS: expected {', '.join(_KEYS)}")
        elif style is None:
            problems.append(
                f"invalid color {value!r} in BUILDKIT_COLORS: expected a color name or R,G,B"
            )
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
    if len(parts) == 3 and all(part.isdecimal() and int(part) <= 255 for part in parts):
        return f"rgb({','.join(str(int(part)) for part in parts)})"
    return None
