"""Variables in compose files."""

from __future__ import annotations

import pytest

from llb.bake.compose.interpolation import interpolate, substitute
from llb.errors import BakeFileError, ConfigurationWarning

ENVIRON = {"A": "a", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$A-${A}", "a-a"),
        ("$$A $ $1", "$A $ $1"),
        ("${NO:-x}${EMPTY:-y}${EMPTY-z}", "xy"),
        ("${A:+set}${NO:+set}", "set"),
        ("${NO:-${A}-${NO:-deep}}", "a-deep"),
        ("${A:?needed}", "a"),
    ],
)
def test_a_text_is_substituted(text: str, result: str) -> None:
    assert substitute(text, ENVIRON.get) == result


def test_an_unset_variable_is_empty_with_a_warning() -> None:
    with pytest.warns(ConfigurationWarning, match='the variable "NO" is not set'):
        assert substitute("[$NO]", ENVIRON.get) == "[]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${NO:?needed by $A}", "a.b[0]: required variable NO is missing a value: needed by a"),
        ("${", "a.b[0]: invalid variable in '${' (write $$ for a $)"),
        ("${A!}", "a.b[0]: invalid variable in '${A!}' (write $$ for a $)"),
        ("${NO:-" * 30 + "}" * 30, "a.b[0]: invalid variable in"),
    ],
)
def test_an_error_names_the_path(text: str, message: str) -> None:
    with pytest.raises(BakeFileError) as caught:
        interpolate({"a": {"b": [text]}}, ENVIRON.get)
    assert str(caught.value).startswith(message)
