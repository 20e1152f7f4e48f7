"""Functions on maps and objects, and on collections of any kind."""

from __future__ import annotations

from llb.bake.evaluation.access import has_index
from llb.bake.evaluation.functions import Parameter, define
from llb.bake.evaluation.whole_numbers import whole
from llb.bake.values.conversion import convert
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import (
    DYNAMIC,
    NUMBER,
    STRING,
    ListType,
    MapType,
    ObjectType,
    TupleType,
    is_mapping,
    is_sequence,
)
from llb.bake.values.value import (
    Value,
    boolean,
    integer,
    list_of,
    map_of,
    object_of,
    string,
    tuple_of,
)
from llb.gocompat.fmt import quote

_COLLECTION = Parameter("collection", DYNAMIC)
_KEY = Parameter("key", DYNAMIC)
_KINDS = "collection must be a list, a map or a tuple"


@define("hasindex", _COLLECTION, _KEY)
def _has_index(collection: Value, key: Value) -> Value:
    """Whether a collection has an element with this index or key."""
    if not isinstance(collection.type, ListType | MapType | TupleType):
        raise Unsuitable(_KINDS)
    return boolean(has_index(collection, key))


@define("index", _COLLECTION, _KEY)
def _index(collection: Value, key: Value) -> Value:
    """The element of a collection with an index or key."""
    match collection.type:
        case TupleType() | ListType():
            if key.type != NUMBER:
                raise Unsuitable(f"key for {collection.type.friendly.split()[0]} must be number")
            whole(key)
        case MapType():
            if key.type != STRING:
                raise Unsuitable("key for map must be string")
        case _:
            raise Unsuitable(_KINDS)
    if not has_index(collection, key):
        raise Unsuitable("invalid index")
    if isinstance(collection.type, MapType):
        return collection.members[key.text]
    return collection.elements[whole(key)]


@define("length", _COLLECTION)
def _length(collection: Value) -> Value:
    """The number of elements in a collection."""
    if not (is_sequence(collection.type) or isinstance(collection.type, MapType)):
        raise Unsuitable(_KINDS)
    return integer(len(collection.iterated()))


@define("keys", Parameter("inputMap", DYNAMIC))
def _keys(mapping: Value) -> Value:
    """The keys of a map, or the names of an object's attributes."""
    if not is_mapping(mapping.type):
        raise Unsuitable("must have map or object type", argument=0)
    names = map(string, mapping.members)
    return list_of(names, STRING) if isinstance(mapping.type, MapType) else tuple_of(names)


@define("values", Parameter("mapping", DYNAMIC))
def _values(mapping: Value) -> Value:
    """The elements of a map or object, by the order of their keys."""
    if isinstance(mapping.type, MapType):
        return list_of(mapping.members.values(), mapping.type.element)
    if isinstance(mapping.type, ObjectType):
        return tuple_of(mapping.members.values())
    raise Unsuitable("values() requires a map as the first argument")


@define("lookup", Parameter("inputMap", DYNAMIC), Parameter("key", STRING), Parameter("default"))
def _lookup(mapping: Value, key: Value, default: Value) -> Value:
    """The element with a key, or a default if there is none."""
    if not is_mapping(mapping.type):
        raise Unsuitable("lookup() requires a map as the first argument", argument=0)
    if isinstance(mapping.type, MapType):
        try:
            default = convert(default, mapping.type.element)
        except Unsuitable:
            message = "the default value must have the same type as the map elements"
            raise Unsuitable(message, argument=2) from None
    return mapping.members.get(key.text, default)


@define("merge", variadic=Parameter("maps", DYNAMIC, nullable=True))
def _merge(*mappings: Value) -> Value:
    """The elements of all maps or objects; later ones replace earlier ones."""
    members: dict[str, Value] = {}
    for mapping in mappings:
        if not is_mapping(mapping.type):
            if mapping.is_null and mapping.type == DYNAMIC:
                continue
            kind = quote(mapping.type.friendly)
            raise Unsuitable(f"arguments must be maps or objects, got {kind}")
        if not mapping.is_null:
            members.update(mapping.members)
    kinds = {mapping.type for mapping in mappings}
    if len(kinds) == 1 and isinstance(common := kinds.pop(), MapType):
        return map_of(members, common.element)
    return object_of(members)


@define("zipmap", Parameter("keys", ListType(STRING)), Parameter("values", DYNAMIC))
def _zipmap(keys: Value, values: Value) -> Value:
    """A map from keys to the values at the same places."""
    if not isinstance(values.type, ListType | TupleType):
        raise Unsuitable("values argument must be a list or tuple value")
    names, elements = keys.elements, values.elements
    if len(names) != len(elements):
        raise Unsuitable(
            f"number of keys ({len(names)}) does not match number of values ({len(elements)})"
        )
    for at, name in enumerate(names):
        if name.is_null:
            raise Unsuitable(f"keys list has null value at index {at}")
    members = {name.text: element for name, element in zip(names, elements, strict=True)}
    if isinstance(values.type, ListType):
        return map_of(members, values.type.element)
    return object_of(members)
