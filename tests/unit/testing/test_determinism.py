"""Deterministic builds pass; others fail with the step and line that differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb import Scratch
from llb.errors import InvalidValueError
from llb.testing.determinism import assert_deterministic
from tests.unit.testing import builds

if TYPE_CHECKING:
    from llb import State

HERE = "tests/unit/testing/builds.py"


def in_this_file() -> State:
    """Build in a module that other processes can only load from its file."""
    return builds.steady().run("here")


@pytest.mark.parametrize("factory", [builds.steady, builds.Project.steady, in_this_file])
def test_a_deterministic_build_passes(factory: object) -> None:
    assert_deterministic(factory, times=3, seeds=(0, 1))  # type: ignore[arg-type]


def test_a_build_that_changes_between_calls_fails_with_its_line() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_deterministic(builds.counting)
    first, *_, last = str(caught.value).splitlines()
    assert first.startswith(
        "counting() returns a different build when it is called again, first at "
    )
    assert f"first at {HERE}:20: run echo " in first
    assert last == "1 changed, 1 the same"


def test_a_build_that_depends_on_hashes_fails_with_the_seeds() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_deterministic(builds.by_hash, times=0)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("by_hash() returns a different build with PYTHONHASHSEED=")
    assert f"first at {HERE}:25: run apk add" in lines[0]
    assert [line[0] for line in lines if "exec.meta.args" in line and line[0] in "+-"] == ["-", "+"]


def test_a_build_that_differs_only_in_bytes_fails_with_its_dump() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_deterministic(builds.marked)
    lines = [line for line in str(caught.value).splitlines() if "local.unique" in line]
    # The copied content is unchanged, and no step would run again.
    assert [line[:1] for line in lines[:2]] == ["-", "+"]
    assert str(caught.value).splitlines()[0] == (
        "marked() returns a different build when it is called again, "
        f"first at {HERE}:30: local://context"
    )


def test_a_failure_in_another_process_is_reported_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    with pytest.raises(AssertionError, match="LookupError: no build for you") as caught:
        assert_deterministic(builds.by_seed, times=1, seeds=[7])
    assert str(caught.value).startswith("by_seed() failed in another process:\nTraceback")


@pytest.mark.parametrize("factory", [lambda: Scratch(), Scratch().marshal])  # noqa: PLW0108
def test_a_function_that_another_process_cannot_import_is_refused(factory: object) -> None:
    with pytest.raises(InvalidValueError) as caught:
        assert_deterministic(factory)  # type: ignore[arg-type]
    assert caught.value.hint == (
        "pass a function defined in a module, not a lambda or a nested function"
    )
