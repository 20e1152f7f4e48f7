"""Values: equality, the order of sets, and Unicode's normal form."""

from __future__ import annotations

from llb.bake.values.types import DYNAMIC, NUMBER, STRING
from llb.bake.values.value import (
    NULL,
    Value,
    integer,
    is_equal,
    list_of,
    null,
    object_of,
    set_of,
    string,
    tuple_of,
)


def test_strings_are_in_normal_form_c() -> None:
    assert string("e\u0301") == string("\u00e9")


def test_a_set_has_no_duplicates_and_an_order() -> None:
    elements = set_of([integer(10), integer(9), integer(10)], NUMBER).elements
    assert [str(element.number) for element in elements] == ["9", "10"]
    objects = [object_of({"a": string("y")}), object_of({"a": string("x")})]
    assert set_of(objects, DYNAMIC).elements == (objects[1], objects[0])


def test_values_of_different_types_differ() -> None:
    assert not is_equal(integer(1), string("1"))
    assert not is_equal(tuple_of([integer(1)]), list_of([integer(1)], NUMBER))
    assert is_equal(NULL, null(STRING))


def test_elements_of_equal_collections_are_compared() -> None:
    def nested(last: Value) -> Value:
        return object_of({"a": tuple_of([integer(1), last])})

    assert is_equal(nested(integer(2)), nested(integer(2)))
    assert not is_equal(nested(integer(2)), nested(integer(3)))


def test_pairs_have_indices_names_or_the_elements_themselves() -> None:
    assert tuple_of([string("x")]).pairs() == [(integer(0), string("x"))]
    assert object_of({"a": NULL}).pairs() == [(string("a"), NULL)]
    assert set_of([string("x")], STRING).pairs() == [(string("x"), string("x"))]
