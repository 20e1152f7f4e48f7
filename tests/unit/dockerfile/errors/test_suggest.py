"""Suggestions for misspelt words."""

from __future__ import annotations

from hypothesis import given
from hypothesis.strategies import lists, text

from llb.dockerfile.errors.suggest import nearest


def test_a_known_word_has_no_suggestion() -> None:
    assert nearest("PATH", ["PAT", "PATH"]) is None
    assert nearest("PATHS", ["PAT", "PATH"]) == "PATH"
    assert nearest("A", ["BCDE"]) is None


@given(text(alphabet="AB_", max_size=6), lists(text(alphabet="AB_", max_size=6), max_size=5))
def test_the_nearest_word_is_the_first_of_those_with_the_fewest_changes(
    word: str, candidates: list[str]
) -> None:
    distances = [distance(word, candidate) for candidate in candidates]
    if word in candidates or min(distances, default=3) > 2:
        assert nearest(word, candidates) is None
    else:
        assert nearest(word, candidates) == candidates[distances.index(min(distances))]


def distance(left: str, right: str) -> int:
    """Compute the Levenshtein distance by its definition."""
    if not left or not right:
        return len(left) + len(right)
    if left[0] == right[0]:
        return distance(left[1:], right[1:])
    return 1 + min(
        distance(left[1:], right[1:]), distance(left[1:], right), distance(left, right[1:])
    )
