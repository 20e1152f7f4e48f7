"""Variables in the texts of a compose file: ``$NAME``, ``${NAME:-default}`` and others."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

from llb.bake.compose.yaml_text import Replacement
from llb.errors import BakeFileError, ConfigurationWarning

if TYPE_CHECKING:
    from collections.abc import Callable

    LookUp = Callable[[str], str | None]

_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_OPERATOR = re.compile(r":?[-?+]")
_DEEPEST = 20


def interpolate(value: Any, look_up: LookUp, path: str = "") -> Any:
    """Replace the variables in all texts of a value. Raises BakeFileError."""
    match value:
        case str():
            return substitute(value, look_up, path)
        case list():
            return [interpolate(each, look_up, f"{path}[{at}]") for at, each in enumerate(value)]
        case dict():
            return {
                key: interpolate(each, look_up, f"{path}.{key}" if path else str(key))
                for key, each in value.items()
            }
        case Replacement():
            return Replacement(interpolate(value.value, look_up, path), value.removes)
        case _:
            return value


def substitute(text: str, look_up: LookUp, path: str = "", depth: int = 0) -> str:
    """Replace the variables in a text. Raises BakeFileError.

    >>> substitute("$A ${B:-b} $$", {"A": "a"}.get)
    'a b $'
    """
    if depth > _DEEPEST:
        raise _invalid(text, path)
    pieces: list[str] = []
    offset = 0
    while (start := text.find("$", offset)) >= 0:
        pieces.append(text[offset:start])
        piece, offset = _variable(text, start, look_up, path, depth)
        pieces.append(piece)
    return "".join(pieces) + text[offset:]


def _variable(text: str, start: int, look_up: LookUp, path: str, depth: int) -> tuple[str, int]:
    if text.startswith("$$", start):
        return "$", start + 2
    if not text.startswith("${", start):
        match = _NAME.match(text, start + 1)
        if match is None:
            # A sign that begins no variable is text.
            return "$", start + 1
        return _value(match[0], look_up), match.end()
    end = _closing(text, start)
    match = _NAME.match(text, start + 2, end)
    if end < 0 or match is None:
        raise _invalid(text, path)
    if match.end() == end:
        return _value(match[0], look_up), end + 1
    operator = _OPERATOR.match(text, match.end(), end)
    if operator is None:
        raise _invalid(text, path)
    argument = text[operator.end() : end]
    return _applied(match[0], operator[0], argument, look_up, path, depth), end + 1


def _closing(text: str, start: int) -> int:
    """Find the brace that closes the one after ``start``; -1 if there is none."""
    depth = 0
    for offset in range(start + 1, len(text)):
        if text[offset] == "{":
            depth += 1
        elif text[offset] == "}":
            depth -= 1
            if depth == 0:
                return offset
    return -1


def _applied(
    name: str, operator: str, argument: str, look_up: LookUp, path: str, depth: int
) -> str:
    value = look_up(name)
    is_set = value is not None and (value != "" or not operator.startswith(":"))
    match operator[-1]:
        case "-":
            return value or "" if is_set else substitute(argument, look_up, path, depth + 1)
        case "+":
            return substitute(argument, look_up, path, depth + 1) if is_set else value or ""
        case _:
            if is_set:
                return value or ""
            reason = substitute(argument, look_up, path, depth + 1)
            message = f"required variable {name} is missing a value"
            where = f"{path}: " if path else ""
            raise BakeFileError(where + message + (f": {reason}" if reason else ""))


def _value(name: str, look_up: LookUp) -> str:
    value = look_up(name)
    if value is None:
        message = f'the variable "{name}" is not set, and is replaced by an empty text'
        warnings.warn(ConfigurationWarning(message), stacklevel=2)
    return value or ""


def _invalid(text: str, path: str) -> BakeFileError:
    where = f"{path}: " if path else ""
    return BakeFileError(f"{where}invalid variable in {text!r}", hint="write $$ for a $")
