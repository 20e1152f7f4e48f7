"""Conversion of values to other types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.bake.values.convertibility import can_convert, common_element, unify
from llb.bake.values.mismatches import describe_mismatch
from llb.bake.values.numbers import parse_number
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import (
    DYNAMIC,
    NUMBER,
    STRING,
    Collection,
    ListType,
    MapType,
    ObjectType,
    SetType,
    TupleType,
    Type,
    without_optional,
)
from llb.bake.values.value import (
    FALSE,
    TRUE,
    Value,
    list_of,
    map_of,
    null,
    number,
    object_of,
    set_of,
    string,
    tuple_of,
)
from llb.gocompat.fmt import quote

if TYPE_CHECKING:
    from collections.abc import Iterable


def convert(value: Value, want: Type) -> Value:
    """Convert a value to a type. Raises Unsuitable."""
    if value.type == without_optional(want):
        return value
    if not can_convert(value.type, want):
        raise Unsuitable(describe_mismatch(value.type, want))
    return _converted(value, want)


def to_text(value: Value) -> str:
    """Convert a value that is not null to a string, as templates do. Raises Unsuitable."""
    return convert(value, STRING).text


def _converted(value: Value, want: Type) -> Value:
    if want in {DYNAMIC, value.type}:
        return value
    if value.is_null:
        return null(without_optional(want))
    match want:
        case ListType() | SetType():
            return _to_sequence(value, want)
        case MapType():
            return _to_map(value, want)
        case TupleType():
            pairs = zip(value.elements, want.elements, strict=True)
            return tuple_of(_converted(element, kind) for element, kind in pairs)
        case ObjectType():
            return _to_object(value, want)
        case _:
            return _to_primitive(value, want)


def _to_primitive(value: Value, want: Type) -> Value:
    if want == STRING:
        if value.type == NUMBER:
            return string(str(value.number))
        return string("true" if value.is_true else "false")
    if want == NUMBER:
        return number(parse_number(value.text))
    if value.text in {"true", "1"}:
        return TRUE
    if value.text in {"false", "0"}:
        return FALSE
    lower = value.text.lower()
    advice = f'; to convert from string, use lowercase "{lower}"'
    raise Unsuitable("a bool is required" + (advice if lower in {"true", "false"} else ""))


def _to_sequence(value: Value, want: ListType | SetType) -> Value:
    element = _element_type(value.type, want)
    if isinstance(value.type, TupleType):
        elements = _same_type(_converted(part, element) for part in value.elements)
    else:
        elements = [_converted(part, element) for part in value.elements]
    if isinstance(want, SetType):
        return set_of(elements, without_optional(element))
    return list_of(elements, without_optional(element))


def _to_map(value: Value, want: MapType) -> Value:
    element = _element_type(value.type, want)
    members = {name: _converted(part, element) for name, part in value.members.items()}
    if isinstance(element, Collection | ObjectType):
        members = dict(zip(members, _same_type(members.values()), strict=True))
    return map_of(members, without_optional(element))


def _element_type(got: Type, want: Collection) -> Type:
    """The type of the elements, which ``want`` may leave open."""
    if want.element != DYNAMIC:
        return want.element
    match got:
        case Collection():
            return got.element
        case TupleType():
            return common_element(got.elements) or DYNAMIC
        case ObjectType():
            return unify([kind for _, kind in got.pairs]) or DYNAMIC
        case _:
            return DYNAMIC


def _same_type(elements: Iterable[Value]) -> list[Value]:
    """Convert elements to their common type; parts of their types may have been left open."""
    parts = list(elements)
    kinds = [part.type for part in parts]
    if len(set(kinds)) <= 1:
        return parts
    common = unify(kinds)
    if common is None:
        raise Unsuitable("cannot find a common base type for all elements")
    return [_converted(part, common) for part in parts]


def _to_object(value: Value, want: ObjectType) -> Value:
    members = {}
    for name, kind in want.pairs:
        if name not in value.members:
            if name not in want.optional:
                raise Unsuitable(f"map has no element for required attribute {quote(name)}")
            members[name] = null(without_optional(kind))
            continue
        element = value.members[name]
        if element.type != kind and not can_convert(element.type, kind):
            reason = describe_mismatch(element.type, kind)
            raise Unsuitable(
                f"map element type is incompatible with attribute {quote(name)}: {reason}"
            )
        members[name] = _converted(element, kind)
    return object_of(members)
