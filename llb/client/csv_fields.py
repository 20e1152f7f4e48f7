"""Values of options that are one line of CSV, ``key=value,key=value``."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from llb.errors import InvalidValueError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable


def parse_fields(text: str, known: Iterable[str], what: str) -> dict[str, str]:
    """Return the fields of a value, keys in lower case. Raises InvalidValueError.

    >>> parse_fields('id=a,"src=b,c"', ["id", "src"], "secret")
    {'id': 'a', 'src': 'b,c'}
    """
    known = list(known)
    fields = {}
    for field in next(csv.reader([text], strict=True), []):
        key, equals, value = field.partition("=")
        key = key.strip().lower()
        if key not in known or not equals:
            raise InvalidValueError(
                f"invalid {what} {text!r}: expected {', '.join(f'{each}=' for each in known)}",
                hint=did_you_mean(key, known),
            )
        fields[key] = value
    return fields
