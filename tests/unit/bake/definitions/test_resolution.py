"""What is ignored is said, and errors of values name the variable."""

from __future__ import annotations

import pytest

from llb import bake
from llb.errors import BakeFileError, UnknownKeyWarning


def load(text: str, **environ: str) -> bake.Plan:
    return bake.load(bake.BakeFile("docker-bake.hcl", text), environ=environ)


def test_an_unknown_attribute_is_ignored_with_a_warning() -> None:
    with pytest.warns(UnknownKeyWarning) as caught:
        load('target "app" {\n  tag = ["x"]\n}\n')
    assert str(caught[0].message) == (
        "docker-bake.hcl:2:3: unknown attribute 'tag' of target 'app' is ignored"
        " (did you mean tags?)"
    )


def test_an_unknown_block_is_ignored_with_a_warning() -> None:
    with pytest.warns(UnknownKeyWarning, match=r"unknown block 'targt' is ignored \(did you mean"):
        load('targt "app" {}\n')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'variable "N" {\n  type = number\n  default = "many"\n}\n',
            "3:13: invalid default of variable 'N', whose type is number: a number is required",
        ),
        (
            'variable "L" { type = lst(string) }\n',
            "1:23: invalid type 'lst' (did you mean list?)",
        ),
        ("variable {}\n", "1:1: a variable has one label, its name"),
        ('group "g" { description = "x" }\n', "1:1: the group 'g' needs 'targets'"),
        (
            'target "a" { tags = target.tags }\ntarget "b" {}\n',
            "1:21: there is no attribute 'tags'",
        ),
        ('target "a" { args = target }\n', "1:21: 'target' needs the name of a block"),
        (
            'target "a" {\n  name = "x"\n  matrix = { v = ["1", "2"] }\n}\n',
            "1:8: the matrix creates two targets named 'x'",
        ),
        (
            'target "a" {\n  name = "x.${v}"\n  matrix = { v = ["1"] }\n}\n',
            "2:10: invalid name 'x.1': only letters, digits, '_' and '-' are allowed (sanitize()",
        ),
        (
            'function "f" {\n  params = [1]\n  result = 1\n}\n',
            "2:13: the name of a parameter is expected",
        ),
        (
            'target "a" { output = ["type=local,dest=x", { dest = "x" }] }\n',
            "1:23: invalid 'output' of target 'a': element 1: type is required for output",
        ),
    ],
)
def test_an_error_names_the_place(text: str, message: str) -> None:
    with pytest.raises(BakeFileError) as caught:
        load(text)
    assert str(caught.value).startswith(f"docker-bake.hcl:{message}")


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"N": "x"}, "failed to parse N as number: 'x'"),
        ({"FLAG": "x"}, "failed to parse FLAG as bool: 'x'"),
        ({"LIST": "1,x"}, "failed to convert variable LIST from CSV: failed to parse LIST"),
        ({"LIST_JSON": "{"}, "failed to convert variable LIST from JSON: invalid JSON"),
        ({"OBJECT": "x"}, "unsupported type object for variable OBJECT: use OBJECT_JSON"),
        ({"TUPLE": "x"}, "unsupported type tuple for variable TUPLE: it has no type"),
        ({"MAP": "a"}, "failed to convert variable MAP from CSV: expected one k/v pair but got 1"),
    ],
)
def test_a_value_from_outside_that_does_not_fit_is_an_error(
    environ: dict[str, str], message: str
) -> None:
    text = """
variable "N" { default = 1 }
variable "FLAG" { type = bool }
variable "LIST" { type = list(number) }
variable "MAP" { type = map(string) }
variable "OBJECT" { type = object({ a = string }) }
variable "TUPLE" { default = ["x"] }
"""
    with pytest.raises(BakeFileError) as caught:
        load(text, **environ)
    assert message in str(caught.value)


def test_the_environment_can_be_left_out() -> None:
    text = 'variable "TAG" { default = "own" }\ntarget "a" { tags = [TAG] }\n'
    assert load(text, TAG="env")["a"].tags == ("env",)
    environ = {"TAG": "env", "BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP": "1"}
    assert load(text, **environ)["a"].tags == ("own",)
