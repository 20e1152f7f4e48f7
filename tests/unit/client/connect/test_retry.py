"""Attempts come ever less often, until one succeeds or the time is over."""

from __future__ import annotations

import time
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb.client.connect.retry import delays, retried
from llb.errors import ConnectError, InvalidValueError


@pytest.mark.feature("J10")
def test_delays_double_up_to_two_seconds() -> None:
    assert list(islice(delays(lambda: 0.0), 8)) == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


@given(st.floats(0, 1), st.integers(0, 40))
def test_chance_takes_up_to_the_half_away(chance: float, attempt: int) -> None:
    longest = next(islice(delays(lambda: 0.0), attempt, None))
    delay = next(islice(delays(lambda: chance), attempt, None))
    assert longest / 2 <= delay <= longest


def test_an_attempt_that_succeeds_ends_the_waiting() -> None:
    outcomes = [ConnectError("not yet"), ConnectError("not yet"), None]
    begun = time.monotonic()

    def attempt() -> str:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        return "there"

    assert retried(attempt, 30) == "there"
    assert time.monotonic() - begun < 5


def test_the_last_error_is_raised_when_the_time_is_over() -> None:
    attempts = 0

    def attempt() -> None:
        nonlocal attempts
        attempts += 1
        raise ConnectError(f"attempt {attempts}")

    begun = time.monotonic()
    with pytest.raises(ConnectError) as caught:
        retried(attempt, 0.3)
    assert 0.3 <= time.monotonic() - begun < 5
    assert attempts > 2
    assert caught.value.message == f"attempt {attempts}"


def test_what_waiting_does_not_change_is_raised_at_once() -> None:
    def attempt() -> None:
        raise InvalidValueError("never")

    begun = time.monotonic()
    with pytest.raises(InvalidValueError, match="never"):
        retried(attempt, 30)
    assert time.monotonic() - begun < 5
