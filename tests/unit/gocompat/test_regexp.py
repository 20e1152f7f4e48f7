"""The automaton agrees with Python's ``re``."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb.gocompat import regexp
from llb.gocompat.regexp import Automaton, compile_any, compile_node, parse

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


@given(st.lists(EXPRESSIONS, min_size=1, max_size=4), st.text("ab/", max_size=8))
def test_expressions_match_together_what_they_match_alone(
    expressions: list[list[str]], text: str
) -> None:
    nodes = [parse("".join(pieces)) for pieces in expressions]
    assert compile_any(nodes)(text) == any(compile_node(node)(text) for node in nodes)


def test_an_automaton_keeps_few_states(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regexp, "_MAX_POSITIONS", 400)
    expression = "(a|b)*a(a|b){6}$"
    automaton = Automaton.from_node(parse(expression))
    for number in range(2**10):
        text = f"{number:b}".replace("0", "b").replace("1", "a")
        assert automaton.matches(text) == bool(re.search(expression, text))
        assert (len(automaton.states) - 1) * len(automaton.steps) < 400
