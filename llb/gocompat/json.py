"""Encode JSON as Go's ``encoding/json`` does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Go escapes the characters that are special in HTML and JavaScript.
_ESCAPED = tuple((character, f"\\u{ord(character):04x}") for character in "<>&\u2028\u2029")


def dumps(
    value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None
) -> str:
    r"""Encode a value as JSON, compact unless ``indent`` is set.

    >>> dumps({"a": ["<b>"]})
    '{"a":["\\u003cb\\u003e"]}'
    """
    separators = (",", ":") if indent is None else None
    return escape(
        json.dumps(value, indent=indent, default=default, separators=separators, ensure_ascii=False)
    )


def escape(text: str) -> str:
    """Escape the characters in JSON that Go escapes."""
    for character, escaped in _ESCAPED:
        text = text.replace(character, escaped)
    return text
