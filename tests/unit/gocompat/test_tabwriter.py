"""Columns are aligned as Go's ``text/tabwriter`` aligns them."""

from __future__ import annotations

from llb.gocompat.tabwriter import align


def test_a_column_spans_consecutive_lines_that_have_it() -> None:
    rows = [("a", "b", "c"), ("long", ""), ("x",), ("é", "y\tz")]
    assert align(rows, padding=2) == "a     b  c\nlong  \nx\né  y  z\n"
