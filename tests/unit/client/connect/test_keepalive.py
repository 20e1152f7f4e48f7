"""How long a daemon may be silent is a setting of the environment."""

from __future__ import annotations

import pytest

from llb.client.connect.keepalive import VARIABLE, keepalive_seconds
from llb.errors import InvalidValueError


def test_the_limit_is_a_minute_or_that_of_the_environment() -> None:
    values = {"": 60.0, "2.5": 2.5, "0": None}
    assert {value: keepalive_seconds({VARIABLE: value}) for value in values} == values


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf"])
def test_other_values_are_refused(value: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        keepalive_seconds({VARIABLE: value})
    assert caught.value.message == (
        f"invalid LLB_KEEPALIVE {value!r}: expected a number of seconds, 0 for no limit"
    )
