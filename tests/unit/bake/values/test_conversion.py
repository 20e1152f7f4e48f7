"""Conversions between types, and why there is none."""

from __future__ import annotations

import pytest

from llb.bake.values.conversion import convert
from llb.bake.values.json import to_json
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    ListType,
    MapType,
    ObjectType,
    SetType,
    TupleType,
    Type,
)
from llb.bake.values.value import (
    NULL,
    TRUE,
    Value,
    integer,
    list_of,
    object_of,
    string,
    tuple_of,
)

PAIR = tuple_of([integer(1), string("a")])


@pytest.mark.parametrize(
    ("value", "kind", "result"),
    [
        (integer(5), STRING, '"5"'),
        (TRUE, STRING, '"true"'),
        (string("5"), NUMBER, "5"),
        (string("1"), BOOL, "true"),
        (PAIR, ListType(STRING), '["1","a"]'),
        (PAIR, ListType(DYNAMIC), '["1","a"]'),
        (list_of([string("b"), string("a"), string("b")], STRING), SetType(STRING), '["a","b"]'),
        (object_of({"b": integer(1), "a": TRUE}), MapType(STRING), '{"a":"true","b":"1"}'),
        (object_of({"a": integer(1), "c": TRUE}), ObjectType.of({"a": STRING}), '{"a":"1"}'),
        (PAIR, TupleType((STRING, STRING)), '["1","a"]'),
        (NULL, ListType(STRING), "null"),
    ],
)
def test_a_value_is_converted(value: Value, kind: Type, result: str) -> None:
    assert to_json(convert(value, kind)) == result


def test_an_optional_attribute_that_is_absent_is_null() -> None:
    kind = ObjectType.of({"a": STRING, "b": NUMBER}, frozenset({"b"}))
    assert to_json(convert(object_of({"a": string("x")}), kind)) == '{"a":"x","b":null}'


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (PAIR, STRING, "string required, but have tuple"),
        (string("x"), NUMBER, "a number is required"),
        (string("True"), BOOL, 'a bool is required; to convert from string, use lowercase "true"'),
        (integer(1), BOOL, "bool required, but have number"),
        (tuple_of([PAIR]), ListType(STRING), "element 0: string required, but have tuple"),
        (object_of({}), ListType(STRING), "list of string required"),
        (string("a"), ListType(DYNAMIC), "list of any single type required, but have string"),
        (object_of({}), ObjectType.of({"a": STRING}), 'attribute "a" is required'),
        (
            list_of([string("a")], STRING),
            ListType(ListType(STRING)),
            "incorrect list element type: list of string required, but have string",
        ),
    ],
)
def test_an_impossible_conversion_says_why(value: Value, kind: Type, message: str) -> None:
    with pytest.raises(Unsuitable) as caught:
        convert(value, kind)
    assert str(caught.value) == message
