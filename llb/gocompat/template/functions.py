"""The functions that every template of Go has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from llb.errors import InvalidValueError
from llb.gocompat import fmt
from llb.gocompat.template.values import NO_VALUE, Struct, TypedMap, is_true, to_text

TemplateFunction: TypeAlias = Callable[..., Any]
_VERB = re.compile(r"%(.?)", re.DOTALL)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        match value:
            case Mapping():
                if not isinstance(key, str):
                    raise InvalidValueError(f"index: expected a string, not {to_text(key)}")
                missing = value.zero if isinstance(value, TypedMap) else NO_VALUE
                value = value.get(key, missing)
            case list() | tuple() | str():
                if not isinstance(key, int) or isinstance(key, bool):
                    raise InvalidValueError(f"index: expected a number, not {to_text(key)}")
                if not 0 <= key < len(value):
                    raise InvalidValueError(f"index: {key} is out of range")
                value = ord(value[key]) if isinstance(value, str) else value[key]
            case _:
                raise InvalidValueError("index: expected a map or a list")
    return value


def _len(value: Any) -> int:
    if not isinstance(value, str | list | tuple | Mapping):
        raise InvalidValueError("len: expected a string, a map or a list")
    return len(value.encode()) if isinstance(value, str) else len(value)


def _and(*values: Any) -> Any:
    return next((value for value in values if not is_true(value)), values[-1])


def _or(*values: Any) -> Any:
    return next((value for value in values if is_true(value)), values[-1])


def _is_equal(left: Any, right: Any) -> bool:
    for value in (left, right):
        if isinstance(value, Struct | Mapping | list | tuple):
            raise InvalidValueError("eq: maps, lists and objects cannot be compared")
    nothing = (None, NO_VALUE)
    if left in nothing or right in nothing:
        return left in nothing and right in nothing
    if type(left) is not type(right):
        raise InvalidValueError("eq: values of different types cannot be compared")
    return bool(left == right)


def _eq(value: Any, *others: Any) -> bool:
    if not others:
        raise InvalidValueError("eq: an argument is missing")
    results = [_is_equal(value, other) for other in others]
    return any(results)


def _less(left: Any, right: Any) -> bool:
    comparable = type(left) in (str, int, float) and type(left) is type(right)
    if not comparable:
        raise InvalidValueError("lt: expected two strings or two numbers")
    return bool(left < right)


def _print(*values: Any) -> str:
    text = ""
    for number, value in enumerate(values):
        before = values[number - 1] if number else ""
        # Go separates operands with a space unless one of them is a string.
        space = number and not isinstance(value, str) and not isinstance(before, str)
        text += (" " if space else "") + to_text(value, is_inner=True)
    return text


def _println(*values: Any) -> str:
    return " ".join(to_text(value, is_inner=True) for value in values) + "\n"


def _printf(text: Any, *values: Any) -> str:
    if not isinstance(text, str):
        raise InvalidValueError("printf: expected a format")
    rest = list(values)

    def format_verb(match: re.Match[str]) -> str:
        verb = match[1]
        if verb == "%":
            return "%"
        if verb not in ("s", "d", "v", "q") or not rest:
            raise InvalidValueError(f"printf: {match[0]} is not supported or has no argument")
        value = rest.pop(0)
        if (verb == "d") != (type(value) is int) and verb != "v":
            raise InvalidValueError(f"printf: {match[0]} cannot print {to_text(value)}")
        return fmt.quote(to_text(value)) if verb == "q" else to_text(value, is_inner=True)

    formatted = _VERB.sub(format_verb, text)
    if rest:
        raise InvalidValueError("printf: there are more arguments than verbs")
    return formatted


FUNCTIONS: Mapping[str, TemplateFunction] = {
    "and": _and,
    "eq": _eq,
    "ge": lambda left, right: not _less(left, right),
    "gt": lambda left, right: _less(right, left),
    "index": _index,
    "le": lambda left, right: not _less(right, left),
    "len": _len,
    "lt": _less,
    "ne": lambda left, right: not _is_equal(left, right),
    "not": lambda value: not is_true(value),
    "or": _or,
    "print": _print,
    "printf": _printf,
    "println": _println,
}
