"""Operators with one and two operands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.bake.values.conversion import convert
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import BOOL, DYNAMIC, NUMBER, Type
from llb.bake.values.value import Value, boolean, is_equal, number

if TYPE_CHECKING:
    from collections.abc import Callable

_BINARY: dict[str, tuple[Type, Callable[[Value, Value], Value]]] = {
    "==": (DYNAMIC, lambda left, right: boolean(is_equal(left, right))),
    "!=": (DYNAMIC, lambda left, right: boolean(not is_equal(left, right))),
    ">": (NUMBER, lambda left, right: boolean(left.number > right.number)),
    ">=": (NUMBER, lambda left, right: boolean(left.number >= right.number)),
    "<": (NUMBER, lambda left, right: boolean(left.number < right.number)),
    "<=": (NUMBER, lambda left, right: boolean(left.number <= right.number)),
    "+": (NUMBER, lambda left, right: number(left.number + right.number)),
    "-": (NUMBER, lambda left, right: number(left.number - right.number)),
    "*": (NUMBER, lambda left, right: number(left.number * right.number)),
    "/": (NUMBER, lambda left, right: number(left.number / right.number)),
    "%": (NUMBER, lambda left, right: number(left.number % right.number)),
    "||": (BOOL, lambda left, right: boolean(left.is_true or right.is_true)),
    "&&": (BOOL, lambda left, right: boolean(left.is_true and right.is_true)),
}


def operand(value: Value, operator: str) -> Value:
    """Convert a value to what an operator takes; for ``&&`` null is false. Raises Unsuitable."""
    kind = _BINARY[operator][0]
    converted = convert(value, kind)
    if converted.is_null and kind != DYNAMIC:
        if operator == "&&":
            return boolean(False)  # noqa: FBT003
        raise Unsuitable("the operand must not be null")
    return converted


def binary(operator: str, left: Value, right: Value) -> Value:
    """Apply an operator to two converted operands. Raises Unsuitable."""
    return _BINARY[operator][1](left, right)


def unary(operator: str, value: Value) -> Value:
    """Apply ``-`` or ``!``. Raises Unsuitable."""
    converted = convert(value, NUMBER if operator == "-" else BOOL)
    if converted.is_null:
        raise Unsuitable("the operand must not be null")
    return number(-converted.number) if operator == "-" else boolean(not converted.is_true)
