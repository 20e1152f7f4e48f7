"""The operators of substitutions, as in ``${name:-word}``, by their signs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from llb.dockerfile.shell.globs import replace_all, replace_first, trim_prefix, trim_suffix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class RequiredVariableError(Exception):
    """The variable of ``${name?word}`` is not set; the message is the reason."""


def _default(value: str | None, word: str) -> str:
    return word if value is None else value


def _default_or_empty(value: str | None, word: str) -> str:
    return value or word


def _alternative(value: str | None, word: str) -> str:
    return "" if value is None else word


def _alternative_unless_empty(value: str | None, word: str) -> str:
    return word if value else ""


def _required(value: str | None, word: str, *, may_be_empty: bool) -> str:
    if value is None or not (value or may_be_empty):
        state = "unset" if value is None else "empty"
        raise RequiredVariableError(word or f"is not allowed to be {state}")
    return value


def _remove_prefix(value: str | None, pattern: str, *, longest: bool) -> str:
    # In Docker's frontend, a pattern whose expansion begins with the sign doubles the operator.
    if not longest and pattern.startswith("#"):
        return trim_prefix(value or "", pattern[1:], longest=True)
    return trim_prefix(value or "", pattern, longest=longest)


def _remove_suffix(value: str | None, pattern: str, *, longest: bool) -> str:
    if not longest and pattern.startswith("%"):
        return trim_suffix(value or "", pattern[1:], longest=True)
    return trim_suffix(value or "", pattern, longest=longest)


def _replace_first(value: str | None, pattern: str, replacement: str) -> str:
    return replace_first(value or "", pattern, replacement)


def _replace_all(value: str | None, pattern: str, replacement: str) -> str:
    return replace_all(value or "", pattern, replacement)


# Functions of the value of the variable, None if it is not set, and the expanded operands.
# The operators with patterns raise GlobError.
OPERATORS: Mapping[str, Callable[..., str]] = {
    "-": _default,
    ":-": _default_or_empty,
    "+": _alternative,
    ":+": _alternative_unless_empty,
    "?": partial(_required, may_be_empty=True),
    ":?": partial(_required, may_be_empty=False),
    "#": partial(_remove_prefix, longest=False),
    "##": partial(_remove_prefix, longest=True),
    "%": partial(_remove_suffix, longest=False),
    "%%": partial(_remove_suffix, longest=True),
    "/": _replace_first,
    "//": _replace_all,
}
