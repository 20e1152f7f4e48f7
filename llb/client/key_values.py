"""Attributes of exporters and caches: parse ``key=value,key=value``, check names and booleans."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.client.csv_fields import hide_secrets, split_fields
from llb.errors import InvalidValueError, UnknownKeyWarning, did_you_mean
from llb.source_map import caller

with lazy_imports(__name__):
    import difflib  # 0.9 ms

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

# The strings that Go's strconv.ParseBool accepts.
TRUE = ("1", "t", "T", "true", "TRUE", "True")
# Of the letters of two names in order: 0.8 is one wrong letter in five.
_CLOSE = 0.8
FALSE = ("0", "f", "F", "false", "FALSE", "False")


def parse_attributes(text: str, what: str, example: str) -> dict[str, str]:
    """Parse ``key=value,key=value`` as a mapping, with keys in lower case.

    Fields are separated as in CSV, so a field that contains a comma is quoted. ``what`` and
    ``example`` are for the error message. Raises InvalidValueError.

    >>> parse_attributes('a=1,"b=2,3"', "output", "a=1")
    {'a': '1', 'b': '2,3'}
    """
    attrs: dict[str, str] = {}
    for field in split_fields(text, what):
        key, equals, value = field.partition("=")
        if not equals or not key:
            raise InvalidValueError(
                f"invalid {what} {hide_secrets(text)!r}: {field!r} is not key=value",
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


def check_daemon_names(
    attrs: Iterable[str], allowed: Collection[str], what: str, *, elsewhere: Collection[str] = ()
) -> None:
    """Warn of an attribute that a newer daemon may know, and refuse one that is mistyped.

    An attribute that is known ``elsewhere`` does not belong here, and is refused too. Raises
    InvalidValueError.
    """
    for key in attrs:
        if key in elsewhere or any(_is_mistyped(key, name) for name in allowed):
            check_names([key], allowed, what)
    warn_of_names(attrs, allowed, what)


def warn_of_names(attrs: Iterable[str], allowed: Collection[str], what: str) -> None:
    """Warn of attributes that are not known; an allowed name with a colon is a prefix."""
    for key in attrs:
        if key in allowed or key.partition(":")[0] + ":" in allowed:
            continue
        nearest = difflib.get_close_matches(key, list(allowed), n=1, cutoff=0)
        known = f"; the nearest known one is {nearest[0]}" if nearest else ""
        _warn(
            f"{what} has no attribute {key!r} that this version knows: it is sent as it is{known}"
        )


def _warn(message: str) -> None:
    site = caller()
    path, line = site[0] if site else (__name__, 1)
    warnings.warn_explicit(message, UnknownKeyWarning, path, line)


def _is_mistyped(key: str, name: str) -> bool:
    """Check whether a key is a name with a mistake: another separator, order or few letters."""
    letters = [re.sub(r"[^a-z0-9]", "", text) for text in (key, name)]
    is_close = difflib.SequenceMatcher(None, key, name).ratio() >= _CLOSE
    return is_close or sorted(letters[0]) == sorted(letters[1])


def parse_flag(value: str, key: str) -> bool:
    """Parse a boolean as Go does. Raises InvalidValueError."""
    if value not in (*TRUE, *FALSE):
        raise InvalidValueError(f"invalid {key} {value!r}: expected true or false")
    return value in TRUE


def environment_flag(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Read a boolean variable; any other value counts as the default, as in buildx."""
    value = environ.get(name, "")
    return value in TRUE if value in (*TRUE, *FALSE) else default


def redact(attrs: Mapping[str, str], secret: Collection[str]) -> str:
    """Format attributes for display, with secret values masked."""
    return repr({key: "***" if key in secret else value for key, value in attrs.items()})
