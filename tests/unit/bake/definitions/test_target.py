"""Targets are values that check what they are given."""

from __future__ import annotations

from typing import Any

import pytest

from llb import bake
from llb.errors import InvalidValueError


def test_one_string_is_one_tag() -> None:
    assert bake.Target("app", tags="example/app").tags == ("example/app",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"args": {"A": 1}}, "invalid args['A'] 1: expected a string"),
        ({"outputs": ["out"]}, "invalid outputs[0] 'out': expected an OutputEntry"),
        ({"pull": "yes"}, "invalid pull 'yes': expected True or False"),
    ],
)
def test_wrong_values_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        bake.Target("app", **arguments)
    assert str(caught.value).startswith(message)
