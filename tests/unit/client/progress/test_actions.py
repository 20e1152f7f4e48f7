"""Workflow commands contain no control characters of a build."""

from __future__ import annotations

from llb.client.progress.actions import annotation, group
from llb.errors import Span


def test_control_characters_are_shown_as_text() -> None:
    hostile = "\x1b]0;title\x07\r\n100%"
    shown = "\\x1b]0;title\\x07%0D%0A100%25"
    assert group(hostile) == f"::group::{shown}"
    assert annotation("error", hostile, None) == f"::error::{shown}"
    assert annotation("error", "a", Span(hostile, "", 3)) == (
        f"::error file={shown},line=3,endLine=3::a"
    )
