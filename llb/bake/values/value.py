"""A value with its type, and how values are created, compared and taken apart."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, TypeAlias, cast

from attrs import frozen

from llb.bake.values.numbers import Number
from llb.bake.values.types import (
    BOOL,
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
    is_mapping,
    is_sequence,
)
from llb.gocompat.fmt import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Content: TypeAlias = "str | Number | bool | tuple[Value, ...] | dict[str, Value] | None"


@frozen
class Value:
    """A value: its type, and a string, number, bool, tuple of elements, or elements by name.

    The content of a null is None. Elements by name are sorted.
    """

    type: Type
    content: Content

    @property
    def is_null(self) -> bool:
        """Whether this is a null, of whatever type."""
        return self.content is None

    @property
    def text(self) -> str:
        """The content of a string."""
        return cast("str", self.content)

    @property
    def number(self) -> Number:
        """The content of a number."""
        return cast("Number", self.content)

    @property
    def is_true(self) -> bool:
        """Whether this is the bool ``true``."""
        return self.content is True

    @property
    def elements(self) -> tuple[Value, ...]:
        """The elements of a list, set or tuple."""
        return cast("tuple[Value, ...]", self.content)

    @property
    def members(self) -> dict[str, Value]:
        """The elements of a map or object by name, sorted."""
        return cast("dict[str, Value]", self.content)

    def pairs(self) -> list[tuple[Value, Value]]:
        """List keys and elements in the order of iteration; the key of a set's element is itself."""
        if is_mapping(self.type):
            return [(string(name), element) for name, element in self.members.items()]
        if isinstance(self.type, SetType):
            return [(element, element) for element in self.elements]
        return [(integer(index), element) for index, element in enumerate(self.elements)]

    def iterated(self) -> tuple[Value, ...]:
        """List the elements of any value that has some, in the order of iteration."""
        return tuple(self.members.values()) if is_mapping(self.type) else self.elements


def can_iterate(value: Value) -> bool:
    """Check whether a value has elements."""
    return not value.is_null and (is_sequence(value.type) or is_mapping(value.type))


def string(text: str) -> Value:
    """Create a string, in Unicode's normal form C as every string of a bake file."""
    return Value(STRING, text if text.isascii() else unicodedata.normalize("NFC", text))


def number(content: Number) -> Value:
    """Create a number."""
    return Value(NUMBER, content)


def integer(content: int) -> Value:
    """Create a number from an integer."""
    return Value(NUMBER, Number.of(content))


TRUE = Value(BOOL, True)  # noqa: FBT003
FALSE = Value(BOOL, False)  # noqa: FBT003
EMPTY_TUPLE = Value(TupleType(()), ())


def boolean(content: object) -> Value:
    """Create a bool from the truth of an object."""
    return TRUE if content else FALSE


def null(kind: Type = DYNAMIC) -> Value:
    """Create a null."""
    return Value(kind, None)


NULL = null()


def tuple_of(elements: Iterable[Value]) -> Value:
    """Create a tuple."""
    content = tuple(elements)
    return Value(TupleType(tuple(element.type for element in content)), content)


def object_of(members: Mapping[str, Value]) -> Value:
    """Create an object."""
    content = dict(sorted(members.items()))
    return Value(ObjectType.of({name: value.type for name, value in content.items()}), content)


def list_of(elements: Iterable[Value], element: Type) -> Value:
    """Create a list of elements of one type; ``element`` is the type of an empty list's elements."""
    content = tuple(elements)
    return Value(ListType(content[0].type if content else element), content)


def map_of(members: Mapping[str, Value], element: Type) -> Value:
    """Create a map; ``element`` is the type of an empty map's elements."""
    content = dict(sorted(members.items()))
    kinds = [value.type for value in content.values()]
    return Value(MapType(kinds[0] if kinds else element), content)


def set_of(elements: Iterable[Value], element: Type) -> Value:
    """Create a set, without duplicates and in the order of its elements."""
    unique = {_sort_key(value): value for value in elements}
    content = tuple(unique[key] for key in sorted(unique))
    return Value(SetType(content[0].type if content else element), content)


def is_equal(left: Value, right: Value) -> bool:
    """Compare two values as ``==`` does: values of different types differ, nulls are equal."""
    if left.is_null or right.is_null:
        return left.is_null and right.is_null
    return left.type == right.type and _is_same(left, right)


def _is_same(left: Value, right: Value) -> bool:
    if is_mapping(left.type):
        return left.members.keys() == right.members.keys() and all(
            is_equal(element, right.members[name]) for name, element in left.members.items()
        )
    if is_sequence(left.type):
        return len(left.elements) == len(right.elements) and all(
            map(is_equal, left.elements, right.elements)
        )
    return left.content == right.content


def _sort_key(value: Value) -> tuple[bool, Number | str]:
    """The place of a value in a set: primitive values by size, others by their text; nulls last."""
    if isinstance(value.content, Number):
        return False, value.content
    if isinstance(value.content, str):
        return False, value.content
    return value.is_null, _hashed(value)


def _hashed(value: Value) -> str:
    match value.content:
        case None:
            return "~"
        case bool():
            return "T" if value.content else "F"
        case str():
            return quote(value.content)
        case Number():
            return str(value.content)
        case tuple():
            brackets = "[]" if isinstance(value.type, Collection) else "<>"
            return brackets[0] + "".join(_hashed(e) + ";" for e in value.content) + brackets[1]
        case dict():
            if isinstance(value.type, MapType):
                inner = (f"{quote(k)}:{_hashed(e)};" for k, e in value.content.items())
                return "{" + "".join(inner) + "}"
            return "<" + "".join(_hashed(e) + ";" for e in value.content.values()) + ">"
