"""Read the command lines and their differences from the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[3] / "docs" / "docker-build-lines.md"
PROGRAM = "docker buildx"
DIFFERENCES = "Differences"
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_LINES = re.compile(r"```console\n(.*?)```", re.DOTALL)
_DIFFERENCE = re.compile(r"^\| `(docker buildx .+?)` \| (.+) \|$", re.MULTILINE)


@frozen
class Line:
    """A command line, its section of the page, and why its result differs, if it does."""

    number: int
    section: str
    text: str
    difference: str | None


def read_lines() -> list[Line]:
    """Read all lines of the page."""
    return list(_lines(PAGE.read_text()))


def _lines(page: str) -> Iterator[Line]:
    # A cell of a table writes | as \|.
    found = _DIFFERENCE.findall(page)
    differences = {text.replace("\\|", "|"): reason for text, reason in found}
    _, *parts = _SECTION.split(page)
    number = 0
    for section, body in zip(parts[::2], parts[1::2], strict=True):
        for block in _LINES.findall(body):
            for text in block.removeprefix("$ ").rstrip("\n").split("\n$ "):
                number += 1
                yield Line(number, section, text, differences.pop(text, None))
    assert not differences, f"no such lines: {list(differences)}"
