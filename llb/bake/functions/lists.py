"""Functions on lists and tuples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.bake.evaluation.functions import Parameter, define
from llb.bake.evaluation.whole_numbers import whole
from llb.bake.values.conversion import convert
from llb.bake.values.convertibility import unify
from llb.bake.values.numbers import Number
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import (
    DYNAMIC,
    NUMBER,
    STRING,
    Collection,
    ListType,
    SetType,
    TupleType,
    is_sequence,
)
from llb.bake.values.value import (
    Value,
    boolean,
    integer,
    is_equal,
    list_of,
    number,
    tuple_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_LIST = Parameter("list", DYNAMIC)
_ANY_LIST = Parameter("list", ListType(DYNAMIC))
_MOST = 1024


def _alike(elements: Iterable[Value], like: Value) -> Value:
    """Create a list or tuple, as the value that the elements come from."""
    if isinstance(like.type, TupleType):
        return tuple_of(elements)
    assert isinstance(like.type, Collection)
    return list_of(elements, like.type.element)


@define("chunklist", _ANY_LIST, Parameter("size", NUMBER))
def _chunklist(elements: Value, size: Value) -> Value:
    """The list in lists of a size; the last may be shorter."""
    count = whole(size)
    if count < 0:
        raise Unsuitable("the size argument must be positive")
    parts = elements.elements
    if parts and count == 0:
        return list_of([elements], elements.type)
    chunks = (_alike(parts[at : at + count], elements) for at in range(0, len(parts), count or 1))
    return list_of(chunks, elements.type)


@define("coalescelist", variadic=Parameter("vals", DYNAMIC, nullable=True))
def _coalesce_list(*lists: Value) -> Value:
    """The first list that has elements."""
    if not lists:
        raise Unsuitable("at least one argument is required")
    if any(not isinstance(each.type, ListType | TupleType) for each in lists):
        raise Unsuitable("coalescelist arguments must be lists or tuples")
    for each in lists:
        if not each.is_null and each.elements:
            return each
    raise Unsuitable("no non-null arguments")


@define("compact", Parameter("list", ListType(STRING)))
def _compact(elements: Value) -> Value:
    """The strings of a list without those that are empty."""
    return list_of((e for e in elements.elements if not e.is_null and e.text), STRING)


@define("concat", variadic=Parameter("seqs", DYNAMIC))
def _concat(*sequences: Value) -> Value:
    """The elements of all lists or tuples."""
    if not sequences:
        raise Unsuitable("at least one argument is required")
    kinds = [sequence.type for sequence in sequences]
    if all(isinstance(kind, ListType) for kind in kinds):
        common = unify(kinds)
        if isinstance(common, ListType):
            elements = (e for each in sequences for e in convert(each, common).elements)
            return list_of(elements, common.element)
    for at, kind in enumerate(kinds):
        if not isinstance(kind, ListType | TupleType):
            message = f"all arguments must be lists or tuples; got {kind.friendly}"
            raise Unsuitable(message, argument=at)
    return tuple_of(element for sequence in sequences for element in sequence.elements)


@define("contains", _LIST, Parameter("value", DYNAMIC))
def _contains(elements: Value, value: Value) -> Value:
    """Whether a list, tuple or set has a value."""
    if not is_sequence(elements.type):
        raise Unsuitable("argument must be list, tuple, or set")
    return boolean(any(is_equal(value, element) for element in elements.elements))


@define("distinct", _ANY_LIST)
def _distinct(elements: Value) -> Value:
    """The list without duplicates."""
    kept: list[Value] = []
    for element in elements.elements:
        if not any(is_equal(element, other) for other in kept):
            kept.append(element)
    return _alike(kept, elements)


@define("element", _LIST, Parameter("index", NUMBER))
def _element(elements: Value, index: Value) -> Value:
    """The element at an index, which wraps around at the ends."""
    if not isinstance(elements.type, ListType | TupleType):
        raise Unsuitable(f"cannot read elements from {elements.type.friendly}")
    at = whole(index)
    if not elements.elements:
        raise Unsuitable("cannot use element function with an empty list")
    return elements.elements[at % len(elements.elements)]


@define("flatten", _LIST)
def _flatten(elements: Value) -> Value:
    """The elements of a list, and those of the lists in it."""
    if not is_sequence(elements.type):
        raise Unsuitable("can only flatten lists, sets and tuples")
    return tuple_of(_flat(elements))


def _flat(elements: Value) -> list[Value]:
    flat: list[Value] = []
    for element in elements.elements:
        nested = is_sequence(element.type) and not element.is_null
        flat += _flat(element) if nested else [element]
    return flat


@define("indexof", _LIST, Parameter("value", DYNAMIC))
def _index_of(elements: Value, value: Value) -> Value:
    """The index of a value in a list."""
    if not isinstance(elements.type, ListType | TupleType):
        raise Unsuitable("argument must be a list or tuple")
    if not elements.elements:
        raise Unsuitable("cannot search an empty list")
    for at, element in enumerate(elements.elements):
        if is_equal(element, value):
            return integer(at)
    raise Unsuitable("item not found")


@define("range", variadic=Parameter("params", NUMBER))
def _range(*params: Value) -> Value:
    """Numbers from 0 or a start to an end, in steps."""
    limits = [param.number for param in params]
    if not 1 <= len(limits) <= 3:
        raise Unsuitable("must have one, two, or three arguments")
    start, end = (Number.of(0), limits[0]) if len(limits) == 1 else (limits[0], limits[1])
    step = limits[2] if len(limits) == 3 else Number.of(-1 if end < start else 1)
    if not step.value:
        raise Unsuitable("step must not be zero", argument=2)
    down = step.value < 0
    if (end > start) if down else (end < start):
        words = ("less", "negative") if down else ("greater", "positive")
        message = f"end must be {words[0]} than start when step is {words[1]}"
        raise Unsuitable(message, argument=1)
    values: list[Value] = []
    while (start > end) if down else (start < end):
        if len(values) == _MOST:
            raise Unsuitable(
                f"more than {_MOST} values were generated; either decrease the difference between"
                " start and end or use a smaller step"
            )
        values.append(number(start))
        start += step
    return list_of(values, NUMBER)


@define("reverselist", _LIST)
def _reverse_list(elements: Value) -> Value:
    """The elements of a list in the opposite order."""
    if not is_sequence(elements.type):
        message = f"can only reverse list or tuple values, not {elements.type.friendly}"
        raise Unsuitable(message, argument=0)
    return _alike(reversed(elements.elements), elements)


@define("slice", _LIST, Parameter("start_index", NUMBER), Parameter("end_index", NUMBER))
def _slice(elements: Value, start_index: Value, end_index: Value) -> Value:
    """The elements of a list from one index up to another."""
    if isinstance(elements.type, SetType) or not is_sequence(elements.type):
        raise Unsuitable("must be a list or tuple value", argument=0)
    start, end = whole(start_index), whole(end_index)
    for at, index, name in ((1, start, "start"), (2, end, "end")):
        if index < 0:
            raise Unsuitable(f"{name} index must not be less than zero", argument=at)
        if index > len(elements.elements):
            message = f"{name} index must not be greater than the length of the list"
            raise Unsuitable(message, argument=at)
    if start > end:
        raise Unsuitable("start index must not be greater than end index", argument=1)
    return _alike(elements.elements[start:end], elements)
