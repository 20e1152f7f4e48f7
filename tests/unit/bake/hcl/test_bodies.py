"""Files of HCL: attributes, blocks, and errors at their places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.bake.hcl.bodies import parse_body
from llb.bake.hcl.places import BakeFile
from llb.errors import BakeFileError, render

if TYPE_CHECKING:
    from llb.bake.hcl.nodes import Body


def parse(text: str) -> Body:
    return parse_body(BakeFile("docker-bake.hcl", text))


def failure(text: str) -> str:
    with pytest.raises(BakeFileError) as caught:
        parse(text)
    return str(caught.value)


def test_a_file_has_attributes_and_blocks_with_labels() -> None:
    body = parse('a = 1 # one\n\ntarget "app" {\n  tags = ["x"]\n}\ngroup all { targets = [] }\n')
    assert list(body.attributes) == ["a"]
    assert [(block.type, block.labels) for block in body.blocks] == [
        ("target", ("app",)),
        ("group", ("all",)),
    ]
    assert str(body.blocks[0].body.attributes["tags"].value.place) == "docker-bake.hcl:4:10"


def test_comments_of_all_kinds_are_spaces() -> None:
    body = parse("// one\n# two\n/* three\nfour */ a = /* five */ 1 // six\nb = 2")
    assert list(body.attributes) == ["a", "b"]


def test_a_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    assert list(parse("\ufeffa = 1\r\nb = 2\r\n").attributes) == ["a", "b"]


def test_a_label_may_have_escapes() -> None:
    assert parse('target "a\\"b" {}\n').blocks[0].labels == ('a"b',)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\na = 2\n", "2:1: 'a' is set twice, first at docker-bake.hcl:1:1"),
        ("a 1\n", "1:3: '=' or a block is expected after 'a', but found '1'"),
        ('"a" = 1\n', "1:1: the name of an attribute has no quotes"),
        ("a = 1 b = 2\n", "1:7: a new line is expected, but found 'b'"),
        ('target "x" {\n', "1:12: the block has no closing '}'"),
        ('target "x {\n', "1:8: the string has no closing quote"),
        ('target "${x}" {}\n', "1:9: a label cannot have '${' (write '$${' for the text)"),
        ("target x { a = 1, b = 2 }\n", "1:17: a block on one line has one attribute and ends"),
        ("= 1\n", "1:1: the name of an attribute or block is expected, but found '='"),
        ("a = @\n", "1:5: invalid character '@'"),
    ],
)
def test_an_error_names_the_place_and_what_was_expected(text: str, message: str) -> None:
    assert failure(text).startswith(f"docker-bake.hcl:{message}")


def test_an_error_shows_the_line_with_a_caret() -> None:
    with pytest.raises(BakeFileError) as caught:
        parse('target "x" {\n  tags = [1, 2\n}\n')
    assert render(caught.value) == (
        '1 |     target "x" {\n'
        "2 |       tags = [1, 2\n"
        "3 | >>> }\n"
        "  |     ^\n"
        "error: docker-bake.hcl:3:1: ',' or ']' is expected for the '[' at docker-bake.hcl:2:10,"
        " but found '}'"
    )
