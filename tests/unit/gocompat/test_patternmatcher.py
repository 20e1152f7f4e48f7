"""Malformed patterns are refused, and patterns are matched in bounded time."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb.errors import InvalidValueError
from llb.gocompat.patternmatcher import Patterns, matches_glob
from tests.timing import cpu_seconds


@pytest.mark.parametrize(
    "pattern", ["[", "[a", "[]a]", "[-x]", "[x-]", "[^]", "a\\", "!", "[a-", "[^bc"]
)
def test_malformed_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidValueError, match="invalid pattern"):
        Patterns.compile([pattern])


def test_many_wildcards_do_not_take_exponential_time() -> None:
    def match(wildcards: int) -> None:
        compiled = Patterns.compile(["*a" * 3 * wildcards + "b", "**/x/" * 2 * wildcards + "y"])
        assert not compiled.matches("a" * 4000)
        assert not compiled.matches("x/" * 200 + "z")

    # Ten times the wildcards take about the same time; the bound allows 20 times as long.
    assert cpu_seconds(lambda: match(10)) < 20 * cpu_seconds(lambda: match(1))


def test_a_list_of_patterns_is_matched_faster_than_one_after_the_other() -> None:
    kinds = ("a/b{}", "**/x{}", "x{}/**", "*.o{}", "**/q{}/*.c", "*a*b*{}*")
    lines = [kind.format(number) for kind in kinds for number in range(50)]
    paths = [f"src/module{number}.py" for number in range(20)]
    alone = [Patterns.compile([line]) for line in lines]
    together = Patterns.compile(lines)

    def match(lists: list[Patterns]) -> None:
        assert not any(patterns.matches(path) for path in paths for patterns in lists)

    assert cpu_seconds(lambda: match([together])) < cpu_seconds(lambda: match(alone)) / 3


def test_repetitions_that_make_a_large_automaton_are_refused() -> None:
    assert Patterns.compile(["?{0,999}b"]).matches("b" * 50)
    with pytest.raises(InvalidValueError, match="repetitions add up to more than 1000"):
        Patterns.compile(["?{0,999}" * 20 + "b"])


@given(st.text("ab*?[]^-\\é", max_size=8), st.text("ab-*^]é", max_size=5))
def test_globs_agree_with_pythons_fnmatch(pattern: str, name: str) -> None:
    """Python's globs agree with Go's on patterns without classes and escapes."""
    plain = pattern.translate(str.maketrans("", "", "[]\\"))
    assert matches_glob(plain, name) == fnmatchcase(name, plain)
    matches_glob(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name", "matched"),
    [
        ("[a-c]", "b", True),
        ("[^a-c]", "b", False),
        ("[c-a]", "b", False),
        ("\\*", "*", True),
        ("\\*", "a", False),
        ("[\\]]", "]", True),
        ("[", "[", False),
    ],
)
def test_globs_support_classes_and_escapes(pattern: str, name: str, *, matched: bool) -> None:
    assert matches_glob(pattern, name) == matched
