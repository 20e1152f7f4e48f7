"""Errors of evaluation: the place of the part to blame, and the nearest name."""

from __future__ import annotations

import pytest

from llb.bake.evaluation.expressions import evaluate
from llb.bake.evaluation.scope import Scope
from llb.bake.functions import FUNCTIONS
from llb.bake.hcl.expressions import parse_whole
from llb.bake.hcl.places import BakeFile
from llb.bake.hcl.tokens import Scanner
from llb.bake.values.json import to_json
from llb.bake.values.value import integer, object_of, string
from llb.errors import BakeFileError

SCOPE = Scope(
    {"VERSION": string("1.0"), "object": object_of({"name": string("x"), "count": integer(1)})},
    FUNCTIONS,
)


def value(text: str) -> str:
    return to_json(evaluate(parse_whole(Scanner(BakeFile("x.hcl", text))), SCOPE))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 + VERSON", "5: there is no variable 'VERSON' (did you mean VERSION?)"),
        ("object.nam", "1: there is no attribute 'nam' (did you mean name?)"),
        ('"a" + 1', "1: invalid operand of '+': a number is required"),
        ("[1, 2][2]", "7: there is no element 2: the tuple has 2"),
        ("uper(VERSION)", "1: there is no function 'uper' (did you mean upper?)"),
        ("upper()", "1: upper: missing 'str' (upper(str))"),
        ('upper("a", "b")', "1: upper: 2 arguments are too many (upper(str))"),
        ("upper([1])", "7: upper: invalid 'str': string required, but have tuple"),
        ("upper(null)", "7: upper: 'str' must not be null"),
        ('parseint("x", 2)', '10: parseint: cannot parse "x" as a base 2 integer'),
        ("VERSION ? 1 : 2", "1: a condition must be true or false: a bool is required"),
        ('"a${object}"', "5: invalid value in a string: string required, but have object"),
        ("[for x in VERSION : x]", "11: a string has no elements for a loop"),
        ("true ? 1 : [1]", "8: both results of a conditional must have one type, but one is"),
        ("{object.name = 1}", "2: the key may be a reference or a name with periods (write it"),
        ("1 / 0", "1: division by zero"),
        ("max(1...)", "5: a list, set or tuple is expected before '...', but this is a number"),
        ("convert(1, strng)", "12: invalid type 'strng' (did you mean string?)"),
        ("convert(1, list)", "12: the type 'list' needs an argument, such as list(string)"),
    ],
)
def test_an_error_is_at_the_part_to_blame(text: str, message: str) -> None:
    with pytest.raises(BakeFileError) as caught:
        value(text)
    assert str(caught.value).startswith(f"x.hcl:1:{message}")


def test_what_is_not_chosen_may_be_invalid() -> None:
    assert value("true ? 1 : nothing") == "1"
    assert value("nothing || true") == "true"
    assert value('try(nothing, object.nothing, "x")') == '"x"'
    assert value("can(nothing)") == "false"


def test_a_failed_try_has_all_reasons() -> None:
    with pytest.raises(BakeFileError) as caught:
        value("try(a, b)")
    assert str(caught.value) == (
        "x.hcl:1:1: try: no expression has a value: x.hcl:1:5: there is no variable 'a';"
        " x.hcl:1:8: there is no variable 'b'"
    )
