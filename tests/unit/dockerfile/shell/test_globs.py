"""Glob patterns in substitutions are matched in linear time."""

from __future__ import annotations

from llb.dockerfile.shell.globs import replace_all, trim_suffix
from tests.timing import cpu_seconds


def test_the_time_does_not_grow_with_the_number_of_ways_to_match() -> None:
    value = "a" * 30_000

    def match(wildcards: int) -> None:
        assert replace_all(value, "a*" * wildcards + "b", "x") == value
        assert trim_suffix(value, "*a" * wildcards + "b", longest=True) == value

    # Ten times the wildcards may take at most ten times as long, plus a margin.
    assert cpu_seconds(lambda: match(1_000), runs=1) < 20 * cpu_seconds(lambda: match(100))
