"""Build args: allowed parameter types, conversion of values, and errors."""

from __future__ import annotations

import enum
from typing import Annotated, Any, Literal, Optional

import pytest

from llb.buildfile import Build
from llb.buildfile.parameters import Parameter, parameters_of
from llb.errors import InvalidValueError, render


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


def function(
    build: Build,
    needed: str,
    text: Annotated[str, "what to say"] = "hello",
    number: int = 3,
    share: float = 0.5,
    debug: bool = False,
    color: Color = Color.RED,
    channel: Literal["stable", "beta"] = "stable",
    level: Literal[1, 2] = 1,
    jobs: int | None = None,
    older: Optional[str] = None,  # noqa: UP045 - the older spelling works too
) -> None:
    """Do nothing."""


def parameters_by_name() -> dict[str, Parameter]:
    _, parameters = parameters_of(function, Build)
    return {parameter.name: parameter for parameter in parameters}


def test_one_parameter_takes_the_build_and_the_others_are_build_args() -> None:
    build_parameter, parameters = parameters_of(function, Build)
    assert build_parameter == "build"
    assert [
        (parameter.name, parameter.is_required, parameter.default_text) for parameter in parameters
    ] == [
        ("needed", True, ""),
        ("text", False, "hello"),
        ("number", False, "3"),
        ("share", False, "0.5"),
        ("debug", False, "false"),
        ("color", False, "red"),
        ("channel", False, "stable"),
        ("level", False, "1"),
        ("jobs", False, ""),
        ("older", False, ""),
    ]
    assert parameters_by_name()["text"].description == "what to say"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("text", "", ""),
        ("text", "a b", "a b"),
        ("number", "-7", -7),
        ("share", "1e3", 1000.0),
        ("debug", "True", True),
        ("debug", "off", False),
        ("color", "blue", Color.BLUE),
        ("channel", "beta", "beta"),
        ("level", "2", 2),
        ("jobs", "4", 4),
        ("jobs", "", None),
        ("older", "", ""),
        ("older", "x", "x"),
    ],
)
def test_a_string_is_converted_to_a_value(name: str, text: str, value: object) -> None:
    converted = parameters_by_name()[name].convert(text)
    assert (converted, type(converted)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text", "rendered"),
    [
        ("number", "x", "error: invalid build arg number=x: expected an integer"),
        ("number", "", "error: invalid build arg number=: expected an integer"),
        ("debug", "maybe", "error: invalid build arg debug=maybe: expected true or false"),
        (
            "color",
            "rad",
            """\
error: invalid build arg color=rad: expected one of red, blue
hint: did you mean red?""",
        ),
        ("level", "3", "error: invalid build arg level=3: expected one of 1, 2"),
        ("jobs", "x", "error: invalid build arg jobs=x: expected an integer, or nothing"),
    ],
)
def test_an_invalid_value_is_refused(name: str, text: str, rendered: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parameters_by_name()[name].convert(text)
    assert render(caught.value) == rendered


def no_type(build, version) -> None:  # type: ignore[no-untyped-def]
    """Do nothing."""


def a_list(names: list[str]) -> None:
    """Do nothing."""


def two_kinds(value: int | str) -> None:
    """Do nothing."""


def any_number(*names: str) -> None:
    """Do nothing."""


def wrong_default(version: str = 3) -> None:  # type: ignore[assignment]
    """Do nothing."""


def wrong_choice(channel: Literal["a"] = "b") -> None:  # type: ignore[assignment]
    """Do nothing."""


def flag_as_number(count: int = True) -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (no_type, "the parameter version has no type"),
        (a_list, "invalid type list of the build arg names"),
        (two_kinds, "invalid type int | str of the build arg value"),
        (any_number, "invalid parameter *names of a target"),
        (wrong_default, "the default of version is 3, expected a string"),
        (wrong_choice, "the default of channel is 'b', expected one of a"),
        (flag_as_number, "the default of count is True, expected an integer"),
    ],
)
def test_a_parameter_that_cannot_be_a_build_arg_is_refused(refused: Any, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parameters_of(refused, Build)
    assert caught.value.message == message
