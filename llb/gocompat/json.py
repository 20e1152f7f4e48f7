"""JSON as Go's ``encoding/json`` writes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Go keeps the characters that matter in HTML and in JavaScript out of JSON.
_ESCAPED = tuple((each, f"\\u{ord(each):04x}") for each in "<>&\u2028\u2029")


def dumps(
    value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None
) -> str:
    r"""Return a value as JSON, compact unless there is an ``indent``.

    >>> dumps({"a": ["<b>"]})
    '{"a":["\\u003cb\\u003e"]}'
    """
    separators = (",", ":") if indent is None else None
    return escape(
        json.dumps(value, indent=indent, default=default, separators=separators, ensure_ascii=False)
    )


def escape(text: str) -> str:
    """Return JSON with the characters escaped that Go escapes."""
    for character, escaped in _ESCAPED:
        text = text.replace(character, escaped)
    return text
