"""JSON is encoded as Go encodes it."""

from __future__ import annotations

import pytest

from llb.gocompat.json import dumps, marshal_indent, untyped


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.5, "0.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e-7, "1.5e-7"),
        (0.000001, "0.000001"),
        (123456789.125, "123456789.125"),
        (1e-10, "1e-10"),
    ],
)
def test_floats_are_encoded_as_in_go(number: float, expected: str) -> None:
    assert marshal_indent(number) == expected


def test_empty_lists_and_objects_take_no_lines() -> None:
    assert marshal_indent({"a": [], "b": {}, "c": [[1]]}) == (
        '{\n  "a": [],\n  "b": {},\n  "c": [\n    [\n      1\n    ]\n  ]\n}'
    )


def test_untyped_values_have_sorted_keys_and_floats() -> None:
    value = untyped({"b": [1, True, None], "a": 2**60})
    assert list(value) == ["a", "b"]
    assert marshal_indent(value["a"]) == "1152921504606847000"
    assert value["b"] == [1.0, True, None]


def test_characters_that_are_special_in_html_are_escaped() -> None:
    assert dumps("<a>&\u2028\t\x01é") == '"\\u003ca\\u003e\\u0026\\u2028\\t\\u0001é"'
