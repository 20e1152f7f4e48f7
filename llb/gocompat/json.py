"""Encode JSON as Go's ``encoding/json`` does, and decode it into the values that Go has."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Numbers with other exponents are written with them.
_LEAST_EXPONENT, _EXPONENT = -6, 21
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


def marshal_indent(value: Any, indent: int = 2) -> str:
    """Encode JSON values on several lines, also the numbers of :func:`untyped`.

    >>> print(marshal_indent({"a": [1e21, 2.0], "b": {}}))
    {
      "a": [
        1e+21,
        2
      ],
      "b": {}
    }
    """
    return _marshal(value, "\n", " " * indent)


def untyped(value: Any) -> Any:
    """Convert JSON values to those that Go decodes without a type: all numbers are float64."""
    match value:
        case dict():
            return {key: untyped(value[key]) for key in sorted(value)}
        case list():
            return list(map(untyped, value))
        case int() if not isinstance(value, bool):
            return float(value)
        case _:
            return value


def _marshal(value: Any, newline: str, indent: str) -> str:
    inner = newline + indent
    match value:
        case dict() if value:
            pairs = (
                f"{dumps(key)}: {_marshal(item, inner, indent)}" for key, item in value.items()
            )
            return f"{{{inner}{f',{inner}'.join(pairs)}{newline}}}"
        case list() | tuple() if value:
            items = (_marshal(item, inner, indent) for item in value)
            return f"[{inner}{f',{inner}'.join(items)}{newline}]"
        case float():
            return _marshal_float(value)
        case _:
            return dumps(value)


def _marshal_float(value: float) -> str:
    """Encode a float64. Raises ValueError for a number that JSON does not have."""
    digits = Decimal(repr(value))
    if not digits.is_finite():
        raise ValueError(f"{value} is not a number of JSON")
    if value == 0 or _LEAST_EXPONENT <= digits.adjusted() < _EXPONENT:
        text = f"{digits:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, exponent = f"{digits.normalize():e}".partition("e")
    return f"{mantissa}e{exponent}"
