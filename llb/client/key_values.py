"""Attributes of exporters and caches: texts by keys, as BuildKit has them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from llb.errors import InvalidValueError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

# What Go's strconv.ParseBool reads.
TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")


def parse_attributes(text: str, what: str, example: str) -> dict[str, str]:
    """Return the attributes of ``key=value,key=value``, keys in lower case.

    The fields are separated as in CSV, so that one with a comma is quoted. Raises
    InvalidValueError.

    >>> parse_attributes('a=1,"b=2,3"', "output", "a=1")
    {'a': '1', 'b': '2,3'}
    """
    try:
        fields = next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        raise InvalidValueError(f"invalid {what} {text!r}: {error}") from error
    attrs: dict[str, str] = {}
    for each in fields:
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise InvalidValueError(
                f"invalid {what} {text!r}: {each!r} is no key=value", hint=f"for example {example}"
            )
        attrs[key.strip().lower()] = value
    return attrs


def check_known(attrs: Iterable[str], known: Collection[str], what: str) -> None:
    """Raise InvalidValueError for an attribute that is none of those known."""
    for key in attrs:
        if key not in known:
            raise InvalidValueError(
                f"unknown attribute {key!r} of {what}",
                hint=did_you_mean(key, known) or f"known are {', '.join(sorted(known))}",
            )


def flag(value: str, key: str) -> bool:
    """Return whether a value is true, of those that Go takes. Raises InvalidValueError."""
    if value not in (*TRUE, *_FALSE):
        raise InvalidValueError(f"invalid {key} {value!r}: expected true or false")
    return value in TRUE


def show(attrs: Mapping[str, str], secret: Collection[str]) -> str:
    """Return attributes for a person, without what is secret."""
    return repr({key: "***" if key in secret else value for key, value in attrs.items()})
