"""Values as JSON, as go-cty writes and reads them."""

from __future__ import annotations

import json
from typing import Any

from llb.bake.values.conversion import convert
from llb.bake.values.numbers import Number, parse_number
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import MapType, ObjectType, Type, is_mapping
from llb.bake.values.value import (
    NULL,
    Value,
    boolean,
    number,
    object_of,
    string,
    tuple_of,
)
from llb.gocompat.fmt import quote
from llb.gocompat.json import dumps


def to_json(value: Value) -> str:
    """Encode a value, without spaces."""
    match value.content:
        case None:
            return "null"
        case bool():
            return "true" if value.content else "false"
        case str():
            return dumps(value.content)
        case Number():
            return str(value.content)
        case tuple():
            return f"[{','.join(map(to_json, value.content))}]"
        case dict():
            pairs = (f"{dumps(name)}:{to_json(e)}" for name, e in value.content.items())
            return f"{{{','.join(pairs)}}}"


def from_json(text: str, want: Type | None = None) -> Value:
    """Decode a value; without a type, arrays are tuples and objects are objects.

    Raises Unsuitable for text that is not JSON, or not of the type.
    """
    try:
        decoded = json.loads(text, parse_float=parse_number, parse_int=parse_number)
    except (ValueError, RecursionError) as error:
        raise Unsuitable(f"invalid JSON: {error}") from None
    value = _value(decoded)
    if want is None:
        return value
    _check_attributes(value, want)
    return convert(value, want)


def _value(decoded: Any) -> Value:
    match decoded:
        case None:
            return NULL
        case bool():
            return boolean(decoded)
        case str():
            return string(_whole(decoded))
        case Number():
            return number(decoded)
        case list():
            return tuple_of(map(_value, decoded))
        case dict():
            return object_of(
                {string(_whole(name)).text: _value(part) for name, part in decoded.items()}
            )
        case _:
            raise Unsuitable(f"invalid JSON number {decoded}")


def _whole(text: str) -> str:
    """Replace surrogates that have no partner."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _check_attributes(value: Value, want: Type) -> None:
    """Refuse attributes that the type does not have, which a conversion would drop."""
    if isinstance(want, ObjectType) and is_mapping(value.type) and not value.is_null:
        for name in value.members:
            if name not in want.attributes:
                raise Unsuitable(f"unsupported attribute {quote(name)}")
    if isinstance(want, MapType) and is_mapping(value.type) and not value.is_null:
        for element in value.members.values():
            _check_attributes(element, want.element)
