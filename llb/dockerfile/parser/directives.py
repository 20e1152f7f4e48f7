"""Parse directives, the settings in the first comments (reference, "Parser directives")."""

from __future__ import annotations

import json
import re

from attrs import frozen

from llb.arguments.checked import checked

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]*\Z")
_KNOWN = ("syntax", "escape", "check")


@frozen
class Syntax:
    """A syntax directive: the frontend image, the whole value, and its line number."""

    source: str
    cmdline: str
    line: int


@checked
def detect_syntax(text: bytes) -> Syntax | None:
    """Find the syntax directive of a file, which names its frontend; None if there is none.

    It is in a ``#`` or ``//`` comment among the first lines, after an optional shebang line, or
    in a JSON object.
    """
    decoded = text.decode("utf-8", errors="replace").removeprefix("\ufeff")
    lines = _skip_shebang(decoded)
    for sign in ("#", "//"):
        directive = _find_directive(lines, "syntax", sign)
        if directive is not None:
            value, line = directive
            return Syntax(_first_word(value), value, line + (lines != decoded))
    if lines.lstrip().startswith("{"):
        try:
            value = json.loads(lines).get("syntax")
        except (ValueError, RecursionError):
            return None
        if isinstance(value, str):
            return Syntax(value, value, 1)
    return None


def find_directive(text: str, name: str) -> str | None:
    """Find a directive of a file by name, and cut its value at the first space."""
    directive = _find_directive(_skip_shebang(text), name, "#")
    return None if directive is None else _first_word(directive[0])


def parse_directive(comment: str) -> tuple[str, str] | None:
    """Parse a comment as a directive, ``name=value``; None if it is an ordinary comment.

    ``comment`` is the part after the comment sign.

    >>> parse_directive(" Check = skip=all ")
    ('check', 'skip=all')
    """
    name, _, value = (part.strip() for part in comment.partition("="))
    if not value or not _NAME.match(name) or name.lower() not in _KNOWN:
        return None
    return name.lower(), value


def _skip_shebang(lines: str) -> str:
    return lines.partition("\n")[2] if lines.startswith("#!") else lines


def _first_word(value: str) -> str:
    return value.split(" ", maxsplit=1)[0]


def _find_directive(lines: str, name: str, sign: str) -> tuple[str, int] | None:
    """Find a directive by name in the first comments; return its value and line number."""
    start, number = 0, 0
    while lines.startswith(sign, start):
        number += 1
        line, newline, _ = lines[start : start + 65536].partition("\n")
        directive = parse_directive(line.removeprefix(sign))
        if directive is None:
            return None
        if directive[0] == name:
            return directive[1], number
        start += len(line) + len(newline)
    return None
