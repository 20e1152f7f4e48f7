"""The automaton agrees with Python's ``re``."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb.gocompat.regexp import Automaton, parse

EXPRESSIONS = st.lists(
    st.sampled_from(
        ["a", "b", ".", "a*", "[ab]?", "[^a]*", "(a|b/)", "(.*/)?", "b{2}", "^", "$", "|"]
    ),
    max_size=6,
)


@pytest.mark.feature("N2")
@given(EXPRESSIONS, st.text("ab/", max_size=8))
def test_both_ways_of_matching_agree(pieces: list[str], text: str) -> None:
    expression = "".join(pieces)
    automaton = Automaton.from_node(parse(expression))
    assert automaton.matches(text) == bool(re.search(expression.replace("$", r"\Z"), text))
