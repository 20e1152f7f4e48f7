"""A build is found to be the same every time, or told where it is not."""

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
    """Return a build of a module that other processes know by its file alone."""
    return builds.steady().run("here")


@pytest.mark.parametrize("factory", [builds.steady, builds.Project.steady, in_this_file])
def test_a_build_that_is_the_same_every_time_passes(factory: object) -> None:
    assert_deterministic(factory, times=3, seeds=(0, 1))  # type: ignore[arg-type]


def test_a_build_that_changes_from_call_to_call_is_told_with_its_line() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_deterministic(builds.counting)
    first, *_, last = str(caught.value).splitlines()
    assert first.startswith("counting() gives another build when it is called again, first at ")
    assert f"first at {HERE}:20: run echo " in first
    assert last == "1 changed, 1 the same"


def test_a_build_that_depends_on_hashes_is_told_with_its_seeds() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_deterministic(builds.by_hash, times=0)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("by_hash() gives another build with PYTHONHASHSEED=")
    assert f"first at {HERE}:25: run apk add" in lines[0]
    assert [line[0] for line in lines if "exec.meta.args" in line and line[0] in "+-"] == ["-", "+"]


def test_a_build_that_differs_in_bytes_alone_is_told_by_its_dump() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_deterministic(builds.marked)
    lines = [line for line in str(caught.value).splitlines() if "local.unique" in line]
    # It is unchanged in what the copy is of, and no step would run anew.
    assert [line[:1] for line in lines[:2]] == ["-", "+"]
    assert str(caught.value).splitlines()[0] == (
        f"marked() gives another build when it is called again, first at {HERE}:30: local://context"
    )


def test_a_build_that_fails_elsewhere_is_told_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    with pytest.raises(AssertionError, match="LookupError: no build for you") as caught:
        assert_deterministic(builds.by_seed, times=1, seeds=[7])
    assert str(caught.value).startswith("by_seed() failed in another process:\nTraceback")


@pytest.mark.parametrize("factory", [lambda: Scratch(), Scratch().marshal])  # noqa: PLW0108
def test_what_another_process_cannot_find_is_refused(factory: object) -> None:
    with pytest.raises(InvalidValueError) as caught:
        assert_deterministic(factory)  # type: ignore[arg-type]
    assert caught.value.hint == (
        "give a function that is defined in a module, neither a lambda nor a nested one"
    )
