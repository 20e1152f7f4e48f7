"""Attributes and indices of values. Messages name what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.bake.values.conversion import convert
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import (
    NUMBER,
    PRIMITIVES,
    STRING,
    ListType,
    MapType,
    ObjectType,
    SetType,
    TupleType,
)
from llb.errors import did_you_mean

if TYPE_CHECKING:
    from llb.bake.values.value import Value


def attribute(value: Value, name: str) -> Value:
    """Read ``value.name``. Raises Unsuitable."""
    if value.is_null:
        raise Unsuitable(f"null has no attribute '{name}'")
    if isinstance(value.type, ObjectType | MapType):
        if name in value.members:
            return value.members[name]
        near = did_you_mean(name, value.members)
        raise Unsuitable(f"there is no attribute '{name}'{'' if near is None else f' ({near})'}")
    if isinstance(value.type, ListType | SetType | TupleType):
        raise Unsuitable(
            f"a {value.type.friendly} has no attribute '{name}':"
            " select an element with [0], or all with [*]"
        )
    raise Unsuitable(f"a {value.type.friendly} has no attribute '{name}'")


def index(value: Value, key: Value) -> Value:
    """Read ``value[key]``. Raises Unsuitable."""
    if value.is_null:
        raise Unsuitable("null has no elements")
    if key.is_null:
        raise Unsuitable("null cannot be an index")
    if isinstance(value.type, ListType | TupleType):
        return _element(value, key)
    if isinstance(value.type, ObjectType | MapType):
        if key.type not in PRIMITIVES:
            raise Unsuitable(f"a {key.type.friendly} cannot be the name of an element")
        name = convert(key, STRING).text
        if name in value.members:
            return value.members[name]
        near = did_you_mean(name, value.members)
        raise Unsuitable(f"there is no element '{name}'{'' if near is None else f' ({near})'}")
    if isinstance(value.type, SetType):
        raise Unsuitable("a set has no indices")
    raise Unsuitable(f"a {value.type.friendly} has no elements")


def _element(value: Value, key: Value) -> Value:
    position = convert(key, NUMBER).number
    if not position.is_integer:
        raise Unsuitable(f"the index {position} is not a whole number")
    offset = int(position.value)
    count = len(value.elements)
    if not 0 <= offset < count:
        raise Unsuitable(f"there is no element {offset}: the {value.type.friendly} has {count}")
    return value.elements[offset]


def has_index(value: Value, key: Value) -> bool:
    """Check whether a list, tuple or map has an element with this key, without converting it."""
    if isinstance(value.type, MapType):
        return key.type == STRING and key.text in value.members
    if key.type != NUMBER or not key.number.is_integer:
        return False
    return 0 <= int(key.number.value) < len(value.elements)
