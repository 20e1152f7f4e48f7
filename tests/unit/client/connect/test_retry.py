"""Attempts are repeated with growing pauses until one succeeds or the timeout expires."""

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
    """A clock that advances only by sleeping; ``sleeps`` records the pauses."""

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
def test_chance_shortens_a_delay_by_up_to_half(chance: float, attempt: int) -> None:
    longest = next(islice(delays(lambda: 0.0), attempt, None))
    delay = next(islice(delays(lambda: chance), attempt, None))
    assert longest / 2 <= delay <= longest


def test_a_successful_attempt_ends_the_retries() -> None:
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


def test_the_last_error_is_raised_after_the_timeout() -> None:
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


def test_an_attempt_beyond_the_timeout_is_the_last_one() -> None:
    time = Time()

    def attempt() -> None:
        time.now += 31
        raise ConnectError("late")

    with pytest.raises(ConnectError, match="late"):
        retried(attempt, 30, clock=time.clock, sleep=time.sleep)
    assert time.sleeps == []


def test_the_default_clock_is_real_time() -> None:
    outcomes = [ConnectError("not yet"), None]

    def attempt() -> None:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    retried(attempt, 60)
    assert outcomes == []


def test_other_errors_are_raised_at_once() -> None:
    time = Time()

    def attempt() -> None:
        raise InvalidValueError("never")

    with pytest.raises(InvalidValueError, match="never"):
        retried(attempt, 30, clock=time.clock, sleep=time.sleep)
    assert time.sleeps == []
