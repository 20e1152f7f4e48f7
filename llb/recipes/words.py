"""Check the arguments of recipes, and quote them for a shell script."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from llb.errors import InvalidValueError

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable


def words(names: Iterable[str], pattern: re.Pattern[str], kind: str, *, example: str) -> str:
    """Quote names as shell words; raises InvalidValueError if one is invalid or all are missing."""
    checked = [_check(name, pattern, kind, example) for name in names]
    if not checked:
        raise InvalidValueError(f"missing {kind}", hint=f"for example {example}")
    return shlex.join(checked)


def option_words(flag: str, names: Iterable[str], pattern: re.Pattern[str], *, example: str) -> str:
    """Format ``flag=name`` for each name, with a space before each. Raises InvalidValueError."""
    kind = f"value of {flag}"
    checked = [_check(name, pattern, kind, example) for name in names]
    return flag_words([f"{flag}={name}" for name in checked])


def flag_words(flags: Iterable[str]) -> str:
    """Quote further arguments, with a space before each."""
    return "".join(f" {shlex.quote(flag)}" for flag in flags)


def _check(word: str, pattern: re.Pattern[str], kind: str, example: str) -> str:
    if not pattern.fullmatch(word):
        raise InvalidValueError(f"invalid {kind} {word!r}", hint=f"for example {example}")
    return word
