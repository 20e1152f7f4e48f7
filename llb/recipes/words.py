"""What users write in recipes, as words of a script: checked, and quoted for a shell."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from llb.errors import InvalidValueError

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable


def words(given: Iterable[str], pattern: re.Pattern[str], what: str, *, example: str) -> str:
    """Return names as words; raises InvalidValueError for one that is none, and for none at all."""
    checked = [_checked(each, pattern, what, example) for each in given]
    if not checked:
        raise InvalidValueError(f"no {what} is given", hint=f"for example {example}")
    return shlex.join(checked)


def option_words(flag: str, given: Iterable[str], pattern: re.Pattern[str], *, example: str) -> str:
    """Return ``flag=name`` for each name, every word after a space. Raises InvalidValueError."""
    what = f"value of {flag}"
    names = [_checked(each, pattern, what, example) for each in _several(given, flag, example)]
    return flag_words([f"{flag}={each}" for each in names])


def flag_words(given: Iterable[str]) -> str:
    """Return further arguments as they are given, every word after a space."""
    arguments = _several(given, "flags", "['-v']")
    return "".join(f" {shlex.quote(each)}" for each in arguments)


def _several(given: Iterable[str], what: str, example: str) -> tuple[str, ...]:
    if isinstance(given, str):
        raise InvalidValueError(
            f"invalid {what} {given!r}: expected a sequence of strings",
            hint=f"for example {example}",
        )
    return tuple(given)


def _checked(word: str, pattern: re.Pattern[str], what: str, example: str) -> str:
    if not pattern.fullmatch(word):
        raise InvalidValueError(f"invalid {what} {word!r}", hint=f"for example {example}")
    return word
