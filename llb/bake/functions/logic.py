"""Functions on bools, and comparisons."""

from __future__ import annotations

from llb.bake.evaluation.functions import Parameter, define
from llb.bake.values.conversion import convert
from llb.bake.values.convertibility import unify
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import BOOL, DYNAMIC, NUMBER
from llb.bake.values.value import Value, boolean, is_equal

_A, _B = Parameter("a", DYNAMIC, nullable=True), Parameter("b", DYNAMIC, nullable=True)
_NUMBERS = Parameter("a", NUMBER), Parameter("b", NUMBER)
_BOOLS = Parameter("a", BOOL), Parameter("b", BOOL)


@define("and", *_BOOLS)
def _and(a: Value, b: Value) -> Value:
    """Whether both values are true."""
    return boolean(a.is_true and b.is_true)


@define("or", *_BOOLS)
def _or(a: Value, b: Value) -> Value:
    """Whether one of the values is true."""
    return boolean(a.is_true or b.is_true)


@define("not", Parameter("val", BOOL))
def _not(val: Value) -> Value:
    """The opposite of a bool."""
    return boolean(not val.is_true)


@define("equal", _A, _B)
def _equal(a: Value, b: Value) -> Value:
    """Whether two values are equal, as ``==``."""
    return boolean(is_equal(a, b))


@define("notequal", _A, _B)
def _not_equal(a: Value, b: Value) -> Value:
    """Whether two values differ, as ``!=``."""
    return boolean(not is_equal(a, b))


@define("greaterthan", *_NUMBERS)
def _greater(a: Value, b: Value) -> Value:
    """Whether the first number is greater."""
    return boolean(a.number > b.number)


@define("greaterthanorequalto", *_NUMBERS)
def _greater_or_equal(a: Value, b: Value) -> Value:
    """Whether the first number is greater, or both are equal."""
    return boolean(a.number >= b.number)


@define("lessthan", *_NUMBERS)
def _less(a: Value, b: Value) -> Value:
    """Whether the first number is less."""
    return boolean(a.number < b.number)


@define("lessthanorequalto", *_NUMBERS)
def _less_or_equal(a: Value, b: Value) -> Value:
    """Whether the first number is less, or both are equal."""
    return boolean(a.number <= b.number)


@define("coalesce", variadic=Parameter("vals", DYNAMIC, nullable=True))
def _coalesce(*values: Value) -> Value:
    """The first value that is not null."""
    common = unify([value.type for value in values])
    if common is None:
        raise Unsuitable("all arguments must have the same type")
    for value in values:
        if not value.is_null:
            return convert(value, common)
    raise Unsuitable("no non-null arguments")
