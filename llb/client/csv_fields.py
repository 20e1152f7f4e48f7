"""Option values in one line of CSV: ``key=value,key=value``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb.errors import InvalidValueError, did_you_mean
from llb.gocompat.csv import split_csv

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIELD = re.compile(r'"(?:[^"]|"")*"?|[^,]+')
_SECRET = re.compile(r"(?i)token|secret|password|value|key")


def hide_secrets(text: str) -> str:
    """Replace the values of an option that may be secret, for an error.

    >>> hide_secrets("type=gha,token=abc,url")
    'type=gha,token=…,url'
    """
    return _FIELD.sub(_hide, text)


def _hide(field: re.Match[str]) -> str:
    key, equals, _ = field[0].partition("=")
    return f"{key}=…" if equals and _SECRET.search(key) else field[0]


def split_fields(text: str, what: str) -> tuple[str, ...]:
    """Split an option value at its commas, as BuildKit's clients do. Raises InvalidValueError.

    A field with a comma or a quote is quoted.
    """
    try:
        return split_csv(text) if text else ()
    except ValueError as error:
        raise InvalidValueError(
            f"invalid {what} {hide_secrets(text)!r}: {error}",
            hint='quote a whole field: type=local,"dest=a,b"',
        ) from error


def parse_fields(text: str, allowed: Iterable[str], what: str) -> dict[str, str]:
    """Parse the fields of an option value, with keys in lower case. Raises InvalidValueError.

    >>> parse_fields('id=a,"src=b,c"', ["id", "src"], "secret")
    {'id': 'a', 'src': 'b,c'}
    """
    names = list(allowed)
    fields = {}
    for field in split_fields(text, what):
        key, equals, value = field.partition("=")
        key = key.strip().lower()
        if key not in names or not equals:
            raise InvalidValueError(
                f"invalid {what} {hide_secrets(text)!r}: expected {', '.join(f'{name}=' for name in names)}",
                hint=did_you_mean(key, names),
            )
        fields[key] = value
    return fields
