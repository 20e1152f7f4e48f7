"""The summary of a finished build."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from llb.client import Vertex
from llb.client.progress.summary import summary

if TYPE_CHECKING:
    from llb import ProgressGroup

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def step(
    name: str,
    *,
    started: bool = True,
    ended: bool = True,
    seconds: float = 0,
    cached: bool = False,
    error: str | None = None,
    group: ProgressGroup | None = None,
) -> Vertex:
    return Vertex(
        digest=name,
        name=name,
        inputs=(),
        cached=cached,
        started=BEGIN if started else None,
        completed=BEGIN + timedelta(seconds=seconds) if started and ended else None,
        error=error,
        group=group,
    )


@pytest.fixture(autouse=True)
def small_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "6")


@pytest.mark.feature("O11")
def test_the_summary_counts_steps_and_names_the_slowest() -> None:
    steps = [
        step("cached", cached=True, seconds=50),
        *(step(f"of {seconds} seconds", seconds=seconds) for seconds in (0.05, 3, 0.1, 20, 7.25)),
        step("not begun", started=False),
        step("running", ended=False),
    ]
    assert summary(steps) == [
        "6 steps, 1 cached",
        "  20.0s  of 20 seconds",
        "   7.2s  of 7.25 seconds",
        "   3.0s  of 3 seconds",
    ]
    assert summary(steps[:1]) == ["1 step, 1 cached"]
    assert summary(steps[-2:]) == []
