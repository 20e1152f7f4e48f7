"""Tabwriter."""

from __future__ import annotations

from llb.gocompat.tabwriter import align


def test_columns_reach_over_the_lines_that_have_them() -> None:
    rows = [("a", "b", "c"), ("long", ""), ("x",), ("é", "y\tz")]
    assert align(rows, padding=2) == "a     b  c\nlong  \nx\né  y  z\n"
