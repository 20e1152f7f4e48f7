"""Expressions: precedence, brackets over several lines, and errors."""

from __future__ import annotations

import pytest

from llb.bake.hcl.expressions import parse_whole
from llb.bake.hcl.nodes import (
    Binary,
    Call,
    Conditional,
    Expression,
    For,
    GetAttribute,
    Index,
    ObjectOf,
    Splat,
    Unary,
    references,
)
from llb.bake.hcl.places import BakeFile
from llb.bake.hcl.tokens import Scanner
from llb.errors import BakeFileError


def parse(text: str) -> Expression:
    return parse_whole(Scanner(BakeFile("x.hcl", text)))


def failure(text: str) -> str:
    with pytest.raises(BakeFileError) as caught:
        parse(text)
    return str(caught.value)


def test_operators_bind_by_precedence_and_to_the_left() -> None:
    expression = parse("1 - 2 - 3 * 4 == 5 && a || b")
    assert isinstance(expression, Binary)
    assert expression.operator == "||"
    conjunction = expression.left
    assert isinstance(conjunction, Binary)
    comparison = conjunction.left
    assert isinstance(comparison, Binary)
    difference = comparison.left
    assert isinstance(difference, Binary)
    assert (difference.left.place.text, difference.right.place.text) == ("1 - 2", "3 * 4")


def test_every_part_has_its_place() -> None:
    expression = parse("cond ? foo(a, b...) : x.y[0].z")
    assert isinstance(expression, Conditional)
    call, negative = expression.positive, expression.negative
    assert isinstance(call, Call)
    assert call.expands
    assert [argument.place.text for argument in call.arguments] == ["a", "b"]
    assert isinstance(negative, GetAttribute)
    assert isinstance(negative.source, Index)
    assert negative.source.bracket.text == "[0]"
    assert str(negative.place) == "x.hcl:1:23"


def test_newlines_are_spaces_inside_brackets() -> None:
    assert isinstance(parse("(\n1\n+\n2\n)"), Expression)
    assert isinstance(parse("foo(\n1,\n2,\n)"), Call)
    expression = parse('{\n a = 1\n "b" : 2, (c) = 3 # d\n}')
    assert isinstance(expression, ObjectOf)
    assert [key.place.text for key, _ in expression.items] == ["a", '"b"', "(c)"]


def test_loops_splats_and_unary_operators_are_parsed() -> None:
    loop = parse("{for k, v in m : k => v... if v != null}")
    assert isinstance(loop, For)
    assert (loop.key_name, loop.value_name, loop.groups) == ("k", "v", True)
    splat = parse("list[*].name[0]")
    assert isinstance(splat, Splat)
    assert splat.each.place.text == "[*].name[0]"
    negative = parse("-a.b")
    assert isinstance(negative, Unary)
    assert negative.operand.place.text == "a.b"


def test_references_leave_out_the_names_of_a_loop() -> None:
    expression = parse('[for x in target.app.tags : "${x}-${y}" if z[x]]')
    assert [(found.name, found.path) for found in references(expression)] == [
        ("target", ("app", "tags")),
        ("y", ()),
        ("z", (None,)),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 +", "4: an expression is expected, but found the end of the file"),
        ("foo(1", "6: ',' or ')' is expected for the '(' at x.hcl:1:4, but found the end"),
        ("a ? b", "6: a conditional needs ':' and the result for false, but found the end"),
        ("[for x : y]", "8: a loop needs 'in' after its variables, but found ':'"),
        ("[for x in y : a => b]", "15: a loop that creates a tuple has no '=>'"),
        ("{for x in y : b}", "15: a loop that creates an object needs 'key => value'"),
        ("a.", "3: the name of an attribute is expected after '.', but found the end"),
        ("a.0.1", "3: invalid index '.0.1' (write [0][1] for two indices)"),
        ("{a b}", "4: '=' is expected after the key of an object, but found 'b'"),
        ("1.2.3", "1: invalid number '1.2.3': a number is required"),
        ("1 2", "3: the end of the expression is expected, but found '2'"),
        ("(" * 200, "61: expressions are nested more than 60 deep"),
    ],
)
def test_an_error_says_what_is_expected(text: str, message: str) -> None:
    assert failure(text).startswith(f"x.hcl:1:{message}")
