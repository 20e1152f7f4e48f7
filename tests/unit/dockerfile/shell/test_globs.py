"""Patterns of variable modifiers are matched in bounded time."""

from __future__ import annotations

from llb.dockerfile.shell.globs import replace_all, trim_suffix
from tests.timing import cpu_seconds


def test_patterns_take_no_longer_for_more_ways_to_match() -> None:
    value = "a" * 30_000

    def match(wildcards: int) -> None:
        assert replace_all(value, "a*" * wildcards + "b", "x") == value
        assert trim_suffix(value, "*a" * wildcards + "b", longest=True) == value

    # Ten times as many take about as long here, and may take ten times as long.
    assert cpu_seconds(lambda: match(1_000), runs=1) < 20 * cpu_seconds(lambda: match(100))
