"""Errors describe what they expect."""

from __future__ import annotations

import pytest

from llb.arguments.expectations import expectation, hint


@pytest.mark.parametrize(
    ("name", "text"),
    [("State", "a State"), ("Export", "an Export"), ("Tree", "a tree, which is a State")],
)
def test_classes_have_an_article_or_a_description(name: str, text: str) -> None:
    assert expectation(name) == text


def test_common_mistakes_have_a_hint() -> None:
    assert hint("State") == "for example Image('alpine') or Local('context')"
    assert hint("Definition") == "State.marshal() creates one"
    assert hint("Export") is None
