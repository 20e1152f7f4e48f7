"""Attributes of exporters and caches: parse ``key=value,key=value``, check names and booleans."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from llb.errors import InvalidValueError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

# The strings that Go's strconv.ParseBool accepts.
TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")


def parse_attributes(text: str, what: str, example: str) -> dict[str, str]:
    """Parse ``key=value,key=value`` as a mapping, with keys in lower case.

    Fields are separated as in CSV, so a field that contains a comma is quoted. ``what`` and
    ``example`` are for the error message. Raises InvalidValueError.

    >>> parse_attributes('a=1,"b=2,3"', "output", "a=1")
    {'a': '1', 'b': '2,3'}
    """
    try:
        fields = next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        raise InvalidValueError(f"invalid {what} {text!r}: {error}") from error
    attrs: dict[str, str] = {}
    for field in fields:
        key, equals, value = field.partition("=")
        if not equals or not key:
            raise InvalidValueError(
                f"invalid {what} {text!r}: {field!r} is not key=value",
                hint=f"for example {example}",
            )
        attrs[key.strip().lower()] = value
    return attrs


def check_names(attrs: Iterable[str], allowed: Collection[str], what: str) -> None:
    """Raise InvalidValueError for an unknown attribute."""
    for key in attrs:
        if key not in allowed:
            raise InvalidValueError(
                f"unknown attribute {key!r} of {what}",
                hint=did_you_mean(key, allowed) or f"expected one of {', '.join(sorted(allowed))}",
            )


def parse_flag(value: str, key: str) -> bool:
    """Parse a boolean as Go does. Raises InvalidValueError."""
    if value not in (*TRUE, *_FALSE):
        raise InvalidValueError(f"invalid {key} {value!r}: expected true or false")
    return value in TRUE


def redact(attrs: Mapping[str, str], secret: Collection[str]) -> str:
    """Format attributes for display, with secret values masked."""
    return repr({key: "***" if key in secret else value for key, value in attrs.items()})
