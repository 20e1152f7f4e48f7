"""Bake files in JSON become the same attributes and blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.bake.hcl.json_bodies import Schema, parse_json_body
from llb.bake.hcl.places import BakeFile
from llb.errors import BakeFileError

if TYPE_CHECKING:
    from llb.bake.hcl.nodes import Body

SCHEMA = Schema(
    {"target": (1, Schema({})), "variable": (1, Schema({"validation": (0, Schema({}))}))}
)


def parse(text: str) -> Body:
    return parse_json_body(BakeFile("bake.json", text), SCHEMA)


def test_members_are_blocks_by_their_labels_or_attributes() -> None:
    body = parse(
        '{"//": "comment", "A": 1, "target": {"x": {"tags": ["${A}"]}, "y": [{}, {}]},'
        ' "variable": [{"V": {"validation": {"condition": true}}}]}'
    )
    assert list(body.attributes) == ["A"]
    assert [(block.type, block.labels) for block in body.blocks] == [
        ("target", ("x",)),
        ("target", ("y",)),
        ("target", ("y",)),
        ("variable", ("V",)),
    ]
    assert [block.type for block in body.blocks[3].body.blocks] == ["validation"]
    tags = body.blocks[0].body.attributes["tags"].value
    assert str(tags.parts()[0].place) == "bake.json:1:53"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: a JSON value is expected"),
        ('{"a": }', "1:7: a JSON value is expected"),
        ('{"a" 1}', "1:6: ':' is expected, but found '1'"),
        ('{"a": 1', "1:8: ',' is expected, but found the end of the file"),
        ('{"a": 1} x', "1:10: the end of the file is expected"),
        ('{"target": 1}', "1:12: an object is expected"),
        ('{"a": "x}', "1:7: the string has no closing quote"),
        ('{"a": "${"}', "1:10: an expression is expected"),
        ("[" * 300, "1:152: values are nested more than 150 deep"),
    ],
)
def test_an_error_names_the_place(text: str, message: str) -> None:
    with pytest.raises(BakeFileError) as caught:
        parse(text)
    assert str(caught.value).startswith(f"bake.json:{message}")
