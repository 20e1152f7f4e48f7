"""Validation of arguments: enumeration members by name, and numbers within bounds."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import TypeVar

from llb.errors import InvalidValueError, did_you_mean

E_ = TypeVar("E_", bound=Enum)

_MAX_ID = 2**32 - 1


@lru_cache(256)
def choice(kind: type[E_], value: E_ | str, label: str) -> E_:
    """Convert a member, or its lower-case name, to a member of an enumeration.

    Raises InvalidValueError if the name is unknown.
    """
    if isinstance(value, kind):
        return value
    # The lookup by name is faster than a call of the enumeration.
    member = kind.__members__.get(value.upper()) if isinstance(value, str) else None
    if member is None or value != member.name.lower():
        names = [candidate.name.lower() for candidate in kind]
        raise InvalidValueError(
            f"invalid {label} {value!r}: expected {', '.join(names)}",
            hint=did_you_mean(str(value), names),
        )
    return member


def check_id(value: int, label: str) -> int:
    """Validate the numeric id of a user or group. Raises InvalidValueError."""
    if not 0 <= value <= _MAX_ID:
        raise InvalidValueError(f"invalid {label} {value}: expected 0 to {_MAX_ID}")
    return value


def check_limit(value: int, label: str, *, least: int = 0) -> int:
    """Validate that a number is at least ``least``. Raises InvalidValueError."""
    if value < least:
        raise InvalidValueError(f"invalid {label} {value}: expected {least} or more")
    return value
