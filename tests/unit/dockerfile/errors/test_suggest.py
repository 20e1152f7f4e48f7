"""Suggest."""

from __future__ import annotations

from hypothesis import given
from hypothesis.strategies import lists, text

from llb.dockerfile.errors.suggest import nearest


def test_a_known_word_has_no_near_one() -> None:
    assert nearest("PATH", ["PAT", "PATH"]) is None
    assert nearest("PATHS", ["PAT", "PATH"]) == "PATH"
    assert nearest("A", ["BCDE"]) is None


@given(text(alphabet="AB_", max_size=6), lists(text(alphabet="AB_", max_size=6), max_size=5))
def test_the_nearest_word_is_the_first_of_those_with_the_fewest_changes(
    word: str, known: list[str]
) -> None:
    distances = [distance(word, each) for each in known]
    if word in known or min(distances, default=3) > 2:
        assert nearest(word, known) is None
    else:
        assert nearest(word, known) == known[distances.index(min(distances))]


def distance(one: str, other: str) -> int:
    """Return the distance of Levenshtein, by its definition."""
    if not one or not other:
        return len(one) + len(other)
    if one[0] == other[0]:
        return distance(one[1:], other[1:])
    return 1 + min(distance(one[1:], other[1:]), distance(one[1:], other), distance(one, other[1:]))
