"""Patterns are refused when malformed, and matched in bounded time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb.errors import InvalidValueError
from llb.patterns import Patterns, _simulate, _tokens


@pytest.mark.parametrize(
    "pattern", ["[", "[a", "[]a]", "[-x]", "[x-]", "[^]", "a\\", "!", "[a-", "[^bc"]
)
def test_malformed_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidValueError, match="invalid pattern"):
        Patterns.compile([pattern])


def test_many_wildcards_take_no_exponential_time() -> None:
    compiled = Patterns.compile(["*a" * 30 + "b", "**/x/" * 20 + "y"])
    begin = time.monotonic()
    assert not compiled.matches("a" * 4000)
    assert not compiled.matches("x/" * 200 + "z")
    assert time.monotonic() - begin < 20


PIECES = st.lists(
    st.sampled_from(["a", "b", "*", "?", "**", "**/", "/", "[ab]", "\\*"]), max_size=6
)


@given(PIECES, st.text("ab/*", max_size=8))
def test_both_ways_of_matching_agree(pieces: list[str], path: str) -> None:
    pattern = "".join(pieces).strip("/")
    path = "/".join(part for part in path.split("/") if part)
    if not pattern or not path:
        return
    compiled = Patterns.compile([pattern])
    cleaned = compiled.patterns[0]
    if cleaned.text.startswith("**") or cleaned.text.endswith("**"):
        # Docker matches these by their beginning or end, which says slightly more.
        return
    assert cleaned.matches(path) == _simulate(_tokens(cleaned.text), path)
