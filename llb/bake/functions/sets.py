"""Functions on sets."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from llb.bake.evaluation.functions import Parameter, define
from llb.bake.values.conversion import convert
from llb.bake.values.convertibility import unify
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import (
    DYNAMIC,
    Collection,
    ListType,
    SetType,
    TupleType,
    Type,
    is_sequence,
)
from llb.bake.values.value import Value, boolean, is_equal, list_of, set_of, tuple_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ANY_SET = SetType(DYNAMIC)
_FIRST = Parameter("first_set", _ANY_SET)
_OTHERS = Parameter("other_sets", _ANY_SET)
_MOST = 100_000


@define("sethaselement", Parameter("set", _ANY_SET), Parameter("elem", DYNAMIC))
def _has_element(elements: Value, element: Value) -> Value:
    """Whether a set has an element."""
    return boolean(_has(elements.elements, element))


@define("setunion", _FIRST, variadic=_OTHERS)
def _union(*sets: Value) -> Value:
    """The elements of any of the sets."""
    return _combined(sets, lambda left, right: [*left, *right])


@define("setintersection", _FIRST, variadic=_OTHERS)
def _intersection(*sets: Value) -> Value:
    """The elements of all sets."""
    return _combined(sets, lambda left, right: [e for e in left if _has(right, e)])


@define("setsubtract", Parameter("a", _ANY_SET), Parameter("b", _ANY_SET))
def _subtract(*sets: Value) -> Value:
    """The elements of one set that another does not have."""
    return _combined(sets, lambda left, right: [e for e in left if not _has(right, e)])


@define("setsymmetricdifference", _FIRST, variadic=_OTHERS)
def _symmetric_difference(*sets: Value) -> Value:
    """The elements of one set or the other, but not of both."""
    return _combined(
        sets,
        lambda left, right: [
            *(e for e in left if not _has(right, e)),
            *(e for e in right if not _has(left, e)),
        ],
    )


def _has(elements: Sequence[Value], element: Value) -> bool:
    return any(is_equal(element, other) for other in elements)


def _combined(
    sets: Sequence[Value],
    combine: Callable[[Sequence[Value], Sequence[Value]], Sequence[Value]],
) -> Value:
    kinds = [
        each.type.element
        for each in sets
        if isinstance(each.type, Collection) and (each.elements or each.type.element != DYNAMIC)
    ]
    element = unify(kinds) if kinds else DYNAMIC
    if element is None:
        raise Unsuitable("given sets must all have compatible element types")
    first, *others = (_with_elements(each, element) for each in sets)
    result: Sequence[Value] = first
    for other in others:
        result = combine(result, other)
    return set_of(result, element)


def _with_elements(each: Value, element: Type) -> Sequence[Value]:
    return convert(each, SetType(element)).elements


@define("setproduct", variadic=Parameter("sets", DYNAMIC))
def _product(*sets: Value) -> Value:
    """All combinations of one element from each set."""
    if len(sets) < 2:
        raise Unsuitable("at least two arguments are required")
    elements = [_common(each, at) for at, each in enumerate(sets)]
    total = 1
    for each in sets:
        total *= len(each.elements)
    if total > _MOST:
        raise Unsuitable(f"{total} combinations are too many")
    columns = [
        [convert(e, kind) for e in each.elements] for each, kind in zip(sets, elements, strict=True)
    ]
    rows = [tuple_of(row) for row in itertools.product(*columns)]
    kind = TupleType(tuple(elements))
    if any(isinstance(each.type, SetType) for each in sets):
        return set_of(rows, kind)
    return list_of(rows, kind)


def _common(each: Value, at: int) -> Type:
    if not is_sequence(each.type):
        raise Unsuitable("a set or a list is required", argument=at)
    if isinstance(each.type, ListType | SetType):
        return each.type.element
    kinds = [element.type for element in each.elements]
    common = unify(kinds) if kinds else DYNAMIC
    if common is None:
        raise Unsuitable("all elements must be of the same type", argument=at)
    return common
