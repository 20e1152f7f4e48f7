"""The ``syntax`` directive: which frontend a file asks for."""

from __future__ import annotations

import json
import re

_DIRECTIVE = r"\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*\Z"
_KNOWN = ("syntax", "escape", "check")


def detect_syntax(text: bytes) -> tuple[str, str] | None:
    """Return the frontend that a file names and the whole value, or None.

    The directive stands in comments of ``#`` or ``//`` in the first lines, after a
    shebang line if there is one, or in a JSON object.
    """
    lines = text.decode("utf-8", errors="replace").removeprefix("\ufeff")
    if lines.startswith("#!"):
        lines = lines.partition("\n")[2]
    for comment in ("#", "//"):
        value = _directive(lines, comment)
        if value is not None:
            return value.split(" ", maxsplit=1)[0], value
    if lines.lstrip().startswith("{"):
        try:
            value = json.loads(lines).get("syntax")
        except ValueError:
            return None
        if isinstance(value, str):
            return value, value
    return None


def _directive(lines: str, comment: str) -> str | None:
    pattern = re.compile(re.escape(comment) + _DIRECTIVE)
    for line in lines.splitlines():
        match = pattern.match(line)
        if match is None or match[1].lower() not in _KNOWN:
            return None
        if match[1].lower() == "syntax":
            return match[2]
    return None
