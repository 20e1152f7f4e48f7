"""Messages that say why a value of one type is not suitable where another is required."""

from __future__ import annotations

from llb.bake.values.convertibility import can_convert
from llb.bake.values.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    PRIMITIVES,
    STRING,
    Collection,
    MapType,
    ObjectType,
    TupleType,
    Type,
    has_dynamic,
)
from llb.gocompat.fmt import quote


def describe_mismatch(got: Type, want: Type) -> str:
    """Say why a type does not convert to another.

    >>> describe_mismatch(TupleType((ObjectType(()),)), MapType(STRING))
    'map of string required'
    """
    match got, want:
        case ObjectType(), ObjectType():
            return _objects(got, want)
        case TupleType() | ObjectType(), Collection():
            return _structural_to_collection(got, want)
        case Collection(), Collection():
            return _collections(got, want)
        case _ if _is_clear(got, want):
            return f"{want.constraint} required, but have {got.friendly}"
        case _:
            return f"{want.constraint} required"


def _objects(got: ObjectType, want: ObjectType) -> str:
    given = got.attributes
    missing = [
        quote(name) for name, _ in want.pairs if name not in given and name not in want.optional
    ]
    if missing:
        verb = "attribute {} is required" if len(missing) == 1 else "attributes {} are required"
        listed = " and ".join((", ".join(missing[:-1]), missing[-1]) if missing[1:] else missing)
        return verb.format(listed)
    for name, kind in want.pairs:
        if name in given and given[name] != kind and not can_convert(given[name], kind):
            return f"attribute {quote(name)}: {describe_mismatch(given[name], kind)}"
    return "incorrect object attributes"


def _structural_to_collection(got: TupleType | ObjectType, want: Collection) -> str:
    if isinstance(want, MapType) != isinstance(got, ObjectType):
        return f"{want.constraint} required"
    if want.element == DYNAMIC:
        return f"all {want.kind} elements must have the same type"
    parts = (
        [(str(index), kind) for index, kind in enumerate(got.elements)]
        if isinstance(got, TupleType)
        else [(quote(name), kind) for name, kind in got.pairs]
    )
    for name, kind in parts:
        if kind != want.element and not can_convert(kind, want.element):
            return f"element {name}: {describe_mismatch(kind, want.element)}"
    return f"all elements must be {want.element.constraint}"


def _collections(got: Collection, want: Collection) -> str:
    if isinstance(want, MapType) != isinstance(got, MapType):
        return f"{want.constraint} required"
    reason = describe_mismatch(got.element, want.element)
    return f"incorrect {want.kind} element type: {reason}"


def _is_clear(got: Type, want: Type) -> bool:
    """Check whether the names of both types explain the problem."""
    return (
        (got in PRIMITIVES) != (want in PRIMITIVES)
        or want == STRING
        or {got, want} == {BOOL, NUMBER}
        or (isinstance(got, TupleType) and isinstance(want, ObjectType))
        or (
            isinstance(got, Collection)
            and isinstance(want, Collection)
            and not has_dynamic(got.element)
            and has_dynamic(want.element)
        )
    )
