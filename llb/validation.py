"""Values of an enumeration by their names, and numbers within bounds."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import TypeVar

from llb.errors import InvalidValueError, did_you_mean

E_ = TypeVar("E_", bound=Enum)

_MAX_ID = 2**32 - 1


@lru_cache(256)
def choice(kind: type[E_], value: E_ | str, what: str) -> E_:
    """Return the member that ``value`` is, or that it names in lower case.

    Raises InvalidValueError.
    """
    if isinstance(value, kind):
        return value
    # It is looked up by its name, as an enumeration itself is slow to ask.
    found = kind.__members__.get(value.upper()) if isinstance(value, str) else None
    if found is None or value != found.name.lower():
        names = [member.name.lower() for member in kind]
        raise InvalidValueError(
            f"invalid {what} {value!r}: expected {', '.join(names)}",
            hint=did_you_mean(str(value), names),
        )
    return found


def check_id(value: int, what: str) -> int:
    """Return a user's or group's number. Raises InvalidValueError."""
    if not 0 <= value <= _MAX_ID:
        raise InvalidValueError(f"invalid {what} {value}: expected 0 to {_MAX_ID}")
    return value


def check_limit(value: int, what: str, *, least: int = 0) -> int:
    """Return a number that is not too small. Raises InvalidValueError."""
    if value < least:
        raise InvalidValueError(f"invalid {what} {value}: expected {least} or more")
    return value
