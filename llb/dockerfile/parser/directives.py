"""Parser directives: settings in the first comments of a file (reference, "Parser directives")."""

from __future__ import annotations

import json
import re

from attrs import frozen

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]*\Z")
_KNOWN = ("syntax", "escape", "check")


@frozen
class Syntax:
    """A frontend that a file names, the whole of the value, and the line that it is on."""

    source: str
    cmdline: str
    line: int


def detect_syntax(text: bytes) -> Syntax | None:
    """Return the frontend that a file names, or None.

    The directive stands in comments of ``#`` or ``//`` in the first lines, after a
    shebang line if there is one, or in a JSON object.
    """
    decoded = text.decode("utf-8", errors="replace").removeprefix("\ufeff")
    lines = _without_shebang(decoded)
    for sign in ("#", "//"):
        found = _find(lines, "syntax", sign)
        if found is not None:
            value, line = found
            return Syntax(_first(value), value, line + (lines != decoded))
    if lines.lstrip().startswith("{"):
        try:
            value = json.loads(lines).get("syntax")
        except (ValueError, RecursionError):
            return None
        if isinstance(value, str):
            return Syntax(value, value, 1)
    return None


def find_directive(text: str, name: str) -> str | None:
    """Return the value of a directive of a file, up to its first space, or None."""
    found = _find(_without_shebang(text), name, "#")
    return None if found is None else _first(found[0])


def parse_directive(comment: str) -> tuple[str, str] | None:
    """Return name and value of the directive that a comment is, or None.

    ``comment`` is what comes after the sign.

    >>> parse_directive(" Check = skip=all ")
    ('check', 'skip=all')
    """
    name, _, value = (part.strip() for part in comment.partition("="))
    if not value or not _NAME.match(name) or name.lower() not in _KNOWN:
        return None
    return name.lower(), value


def _without_shebang(lines: str) -> str:
    return lines.partition("\n")[2] if lines.startswith("#!") else lines


def _first(value: str) -> str:
    return value.split(" ", maxsplit=1)[0]


def _find(lines: str, name: str, sign: str) -> tuple[str, int] | None:
    """Return the value of a directive, and its line."""
    start, number = 0, 0
    while lines.startswith(sign, start):
        number += 1
        line, newline, _ = lines[start : start + 65536].partition("\n")
        found = parse_directive(line.removeprefix(sign))
        if found is None:
            return None
        if found[0] == name:
            return found[1], number
        start += len(line) + len(newline)
    return None
