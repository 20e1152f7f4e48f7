"""Builds run at the same time, and the first failure ends them all."""

from __future__ import annotations

import threading
from contextvars import ContextVar

import pytest

from llb.client.builds.parallel import run_in_parallel
from llb.errors import CancelledError, InputError
from tests.timing import SECONDS


def test_builds_run_at_the_same_time_and_see_the_variables_of_the_caller() -> None:
    meeting = threading.Barrier(2, timeout=SECONDS)
    word = ContextVar("word", default="")
    word.set("given")
    ends: list[int] = []

    def build() -> str:
        meeting.wait()
        return word.get()

    results = run_in_parallel({"a": build, "b": build}, lambda: ends.append(1), "node")
    assert results == {"a": "given", "b": "given"}
    assert ends == [1]


def test_the_first_failure_is_raised_with_its_name_and_ends_the_others() -> None:
    is_cancelled = threading.Event()

    def wait() -> None:
        assert is_cancelled.wait(SECONDS)
        raise CancelledError("the build was cancelled")

    def fail() -> None:
        raise InputError("no such file")

    with pytest.raises(InputError, match=r"^node bad: no such file$"):
        run_in_parallel({"good": wait, "bad": fail}, is_cancelled.set, "node")


def test_a_failure_explains_a_cancellation_that_ended_before_it() -> None:
    has_ended = threading.Event()

    def end() -> None:
        raise CancelledError("a target was not built")

    def fail() -> None:
        assert has_ended.wait(SECONDS)
        raise InputError("target base: no such file")

    with pytest.raises(InputError, match=r"^target base: no such file$"):
        run_in_parallel({"app": end, "base": fail}, has_ended.set, "target")


def test_an_error_that_is_not_ours_is_raised_as_it_is() -> None:
    error = ValueError("of a listener")

    def fail() -> None:
        raise error

    with pytest.raises(ValueError, match="of a listener") as caught:
        run_in_parallel({"a": fail}, lambda: None, "node")
    assert caught.value is error


def test_no_builds_have_no_results() -> None:
    assert run_in_parallel({}, lambda: None, "node") == {}
