"""Which types convert to which, and the type that several types convert to."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from llb.bake.values.types import (
    DYNAMIC,
    PRIMITIVES,
    STRING,
    Collection,
    ListType,
    MapType,
    ObjectType,
    SetType,
    TupleType,
    Type,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

KindT = TypeVar("KindT", bound=Type)


def can_convert(got: Type, want: Type, *, unsafe: bool = True) -> bool:  # noqa: C901
    """Check whether values of one type convert to another.

    An ``unsafe`` conversion may fail for some values, such as from a string to a number.
    """
    if want == DYNAMIC:
        return True
    if got == DYNAMIC:
        return unsafe
    if got in PRIMITIVES and want in PRIMITIVES:
        return want in {got, STRING} or (unsafe and got == STRING)
    match got, want:
        case ObjectType(), ObjectType():
            return _object_converts(got, want, unsafe=unsafe)
        case TupleType(), TupleType():
            return len(got.elements) == len(want.elements) and all(
                given == wanted or can_convert(given, wanted, unsafe=unsafe)
                for given, wanted in zip(got.elements, want.elements, strict=True)
            )
        case ListType() | SetType(), ListType() | SetType():
            # A set loses the order and the duplicates of a list.
            loses = isinstance(got, ListType) and isinstance(want, SetType)
            return (unsafe or not loses) and _element_converts(got, want, unsafe=unsafe)
        case MapType(), MapType():
            return _element_converts(got, want, unsafe=unsafe)
        case TupleType(), ListType() | SetType():
            return _parts_convert(got.elements, want.element, unsafe=unsafe)
        case ObjectType(), MapType():
            return _parts_convert([kind for _, kind in got.pairs], want.element, unsafe=unsafe)
        case MapType(), ObjectType():
            return unsafe and all(
                kind == got.element
                or name in want.optional
                or can_convert(got.element, kind, unsafe=unsafe)
                for name, kind in want.pairs
            )
        case _:
            return False


def _element_converts(got: Collection, want: Collection, *, unsafe: bool) -> bool:
    return got.element == want.element or can_convert(got.element, want.element, unsafe=unsafe)


def _object_converts(got: ObjectType, want: ObjectType, *, unsafe: bool) -> bool:
    given = got.attributes
    for name, kind in want.pairs:
        if name not in given:
            if name not in want.optional:
                return False
        elif given[name] != kind and not can_convert(given[name], kind, unsafe=unsafe):
            return False
    return True


def _parts_convert(parts: Sequence[Type], element: Type, *, unsafe: bool) -> bool:
    """Check whether parts of different types become elements of one type, or of any one type."""
    if not parts:
        return True
    if element == DYNAMIC:
        common = common_element(parts, unsafe=unsafe)
        if common is None:
            return False
        element = common
    return all(part == element or can_convert(part, element, unsafe=unsafe) for part in parts)


def common_element(parts: Sequence[Type], *, unsafe: bool = True) -> Type | None:
    """Find the one type for elements of any type; None if there is none."""
    common = unify(parts, unsafe=unsafe)
    if common == DYNAMIC and any(part != DYNAMIC for part in parts):
        return None
    return common


def unify(types: Sequence[Type], *, unsafe: bool = True) -> Type | None:
    """Find the type that values of all types convert to; None if there is none."""
    if not types:
        return None
    kinds = {type(kind) for kind in types if kind != DYNAMIC}
    dynamic = DYNAMIC in types
    for collection in (MapType, ListType, SetType):
        if kinds == {collection}:
            if dynamic:
                return DYNAMIC
            element = unify([_element(kind) for kind in types], unsafe=unsafe)
            return None if element is None else collection(element)
    special: Type | None = None
    if kinds == {MapType, ObjectType}:
        special = _unify_as(types, ObjectType, _unify_objects_to_map, unsafe=unsafe)
    elif kinds == {ListType, TupleType}:
        special = _unify_as(types, TupleType, _unify_tuples_to_list, unsafe=unsafe)
    elif kinds == {ObjectType}:
        return DYNAMIC if dynamic else _unify_objects(_only(types, ObjectType), unsafe=unsafe)
    elif kinds == {TupleType}:
        return DYNAMIC if dynamic else _unify_tuples(_only(types, TupleType), unsafe=unsafe)
    elif {ObjectType, TupleType} <= kinds:
        return None
    return special or _most_general(types, unsafe=unsafe)


def _element(kind: Type) -> Type:
    assert isinstance(kind, Collection)
    return kind.element


def _only(types: Iterable[Type], kind: type[KindT]) -> list[KindT]:
    return [each for each in types if isinstance(each, kind)]


def _unify_as(
    types: Sequence[Type],
    structural: type[KindT],
    to_collection: Callable[..., Type | None],
    *,
    unsafe: bool,
) -> Type | None:
    """Unify after the tuples have become a list, or the objects a map; None if they cannot."""
    collection = to_collection(_only(types, structural), unsafe=unsafe)
    if collection is None:
        return None
    replaced = [collection if isinstance(kind, structural) else kind for kind in types]
    result = unify(replaced, unsafe=unsafe)
    return result if isinstance(result, Collection) else None


def _unify_objects(types: Sequence[ObjectType], *, unsafe: bool) -> Type | None:
    names = [set(kind.attributes) for kind in types]
    if any(others != names[0] for others in names[1:]):
        return _unify_objects_to_map(types, unsafe=unsafe)
    attributes = {}
    for name in names[0]:
        attribute = unify([kind.attributes[name] for kind in types], unsafe=unsafe)
        if attribute is None:
            return None
        attributes[name] = attribute
    result = ObjectType.of(attributes)
    if all(can_convert(kind, result, unsafe=unsafe) for kind in types):
        return result
    return _unify_objects_to_map(types, unsafe=unsafe)


def _unify_objects_to_map(types: Sequence[ObjectType], *, unsafe: bool) -> Type | None:
    element = unify([kind for each in types for _, kind in each.pairs], unsafe=unsafe)
    if element is None:
        return None
    result = MapType(element)
    return result if all(can_convert(kind, result, unsafe=unsafe) for kind in types) else None


def _unify_tuples(types: Sequence[TupleType], *, unsafe: bool) -> Type | None:
    if any(len(kind.elements) != len(types[0].elements) for kind in types[1:]):
        return _unify_tuples_to_list(types, unsafe=unsafe)
    elements = []
    for across in zip(*(kind.elements for kind in types), strict=True):
        element = unify(across, unsafe=unsafe)
        if element is None:
            return None
        elements.append(element)
    result = TupleType(tuple(elements))
    if all(can_convert(kind, result, unsafe=unsafe) for kind in types):
        return result
    return _unify_tuples_to_list(types, unsafe=unsafe)


def _unify_tuples_to_list(types: Sequence[TupleType], *, unsafe: bool) -> Type | None:
    element = unify([element for each in types for element in each.elements], unsafe=unsafe)
    if element is None:
        return None
    result = ListType(element)
    return result if all(can_convert(kind, result, unsafe=unsafe) for kind in types) else None


def _most_general(types: Sequence[Type], *, unsafe: bool) -> Type | None:
    """Find the first of the types, the more general ones first, that all others convert to."""
    for want in sorted(types, key=_generality):
        if all(kind == want or can_convert(kind, want, unsafe=unsafe) for kind in types):
            return want
    return None


def _generality(kind: Type) -> int:
    """The rank of a type among those that convert to one another: the most general comes first."""
    match kind:
        case _ if kind == DYNAMIC:
            return 5
        case _ if kind == STRING or isinstance(kind, ListType | MapType):
            return 0
        case TupleType() | ObjectType():
            return 1
        case SetType():
            return 2
        case _:
            return 3
