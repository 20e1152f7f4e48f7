"""Attempts come ever less often, until one succeeds or the time is over."""

from __future__ import annotations

from itertools import islice

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from llb.client.connect.retry import delays, retried
from llb.errors import ConnectError, InvalidValueError


@define
class Time:
    """A time in which nothing takes any but sleeping; ``sleeps`` are those that there were."""

    now: float = 1000.0
    sleeps: list[float] = field(factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


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
    time = Time()

    def attempt() -> str:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        return "there"

    assert retried(attempt, 30, clock=time.clock, sleep=time.sleep) == "there"
    first, second = time.sleeps
    assert 0.025 <= first <= 0.05 <= second <= 0.1


def test_the_last_error_is_raised_when_the_time_is_over() -> None:
    attempts = 0
    time = Time()

    def attempt() -> None:
        nonlocal attempts
        attempts += 1
        raise ConnectError(f"attempt {attempts}")

    with pytest.raises(ConnectError) as caught:
        retried(attempt, 0.3, clock=time.clock, sleep=time.sleep)
    assert time.now == pytest.approx(1000.3)
    assert attempts == len(time.sleeps) + 1 > 2
    assert caught.value.message == f"attempt {attempts}"


def test_an_attempt_that_takes_too_long_is_the_last_one() -> None:
    time = Time()

    def attempt() -> None:
        time.now += 31
        raise ConnectError("late")

    with pytest.raises(ConnectError, match="late"):
        retried(attempt, 30, clock=time.clock, sleep=time.sleep)
    assert time.sleeps == []


def test_time_goes_by_where_no_other_is_given() -> None:
    outcomes = [ConnectError("not yet"), None]

    def attempt() -> None:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    retried(attempt, 60)
    assert outcomes == []


def test_what_waiting_does_not_change_is_raised_at_once() -> None:
    time = Time()

    def attempt() -> None:
        raise InvalidValueError("never")

    with pytest.raises(InvalidValueError, match="never"):
        retried(attempt, 30, clock=time.clock, sleep=time.sleep)
    assert time.sleeps == []
