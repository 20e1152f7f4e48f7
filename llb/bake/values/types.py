"""The types of values, as go-cty has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping


class Type:
    """A type of values."""

    __slots__ = ()

    @property
    def friendly(self) -> str:
        """The name for messages about values of this type."""
        raise NotImplementedError

    @property
    def constraint(self) -> str:
        """The name for messages that require this type."""
        return self.friendly


@frozen
class Primitive(Type):
    """A string, number or bool; or the type of values whose type does not matter."""

    name: str

    @property
    def friendly(self) -> str:
        """The name of the type."""
        return self.name

    @property
    def constraint(self) -> str:
        """The name for messages that require this type."""
        return "any type" if self == DYNAMIC else self.name


STRING = Primitive("string")
NUMBER = Primitive("number")
BOOL = Primitive("bool")
DYNAMIC = Primitive("dynamic")
PRIMITIVES = (STRING, NUMBER, BOOL)


@frozen
class Collection(Type):
    """A type of values whose elements have one type."""

    element: Type

    @property
    def friendly(self) -> str:
        """The kind of collection, and the name of the elements' type."""
        return f"{self.kind} of {_of(self.element, self.element.friendly)}"

    @property
    def constraint(self) -> str:
        """The same, in messages that require the type."""
        return f"{self.kind} of {_of(self.element, self.element.constraint)}"

    @property
    def kind(self) -> str:
        """The word for collections of this kind."""
        raise NotImplementedError


def _of(element: Type, name: str) -> str:
    return "any single type" if element == DYNAMIC and name != "dynamic" else name


@frozen
class ListType(Collection):
    """A list of elements of one type."""

    @property
    def kind(self) -> str:
        """The word for this kind."""
        return "list"


@frozen
class SetType(Collection):
    """Elements of one type, without order or duplicates."""

    @property
    def kind(self) -> str:
        """The word for this kind."""
        return "set"


@frozen
class MapType(Collection):
    """Elements of one type by name."""

    @property
    def kind(self) -> str:
        """The word for this kind."""
        return "map"


@frozen
class TupleType(Type):
    """A sequence whose elements each have a type."""

    elements: tuple[Type, ...]

    @property
    def friendly(self) -> str:
        """The word for this kind."""
        return "tuple"


@frozen
class ObjectType(Type):
    """Attributes that each have a name and a type; those in ``optional`` may be absent."""

    pairs: tuple[tuple[str, Type], ...]
    optional: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, attributes: Mapping[str, Type], optional: frozenset[str] = frozenset()
    ) -> ObjectType:
        """Create the type from its attributes by name."""
        return cls(tuple(sorted(attributes.items())), optional)

    @property
    def attributes(self) -> dict[str, Type]:
        """The types of the attributes by name."""
        return dict(self.pairs)

    @property
    def friendly(self) -> str:
        """The word for this kind."""
        return "object"


def without_optional(kind: Type) -> Type:
    """Make every attribute in the type required, as in the types of values."""
    match kind:
        case Collection():
            return type(kind)(without_optional(kind.element))
        case TupleType():
            return TupleType(tuple(map(without_optional, kind.elements)))
        case ObjectType():
            return ObjectType.of({k: without_optional(v) for k, v in kind.pairs})
        case _:
            return kind


def has_dynamic(kind: Type) -> bool:
    """Check whether a part of the type is left open."""
    match kind:
        case Collection():
            return has_dynamic(kind.element)
        case TupleType():
            return any(map(has_dynamic, kind.elements))
        case ObjectType():
            return any(has_dynamic(element) for _, element in kind.pairs)
        case _:
            return kind == DYNAMIC


def is_sequence(kind: Type) -> bool:
    """Check whether values of the type are sequences: lists, sets and tuples."""
    return isinstance(kind, ListType | SetType | TupleType)


def is_mapping(kind: Type) -> bool:
    """Check whether values of the type have elements by name: maps and objects."""
    return isinstance(kind, MapType | ObjectType)
