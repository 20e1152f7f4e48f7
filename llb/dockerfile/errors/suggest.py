"""The known word that is nearest to one that is not known, as BuildKit measures it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST = 2


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the first of the known words with the fewest changes, of two letters at most.

    A word that is known itself has no near one: then the mistake is another.

    >>> nearest("TARGETARC", ["TARGETOS", "TARGETARCH"])
    'TARGETARCH'
    """
    best, limit = None, _MOST
    letters = frozenset(word)
    for each in known:
        if each == word:
            return None
        # A change takes at most one letter away and adds one.
        if limit < 0 or len(letters.symmetric_difference(each)) > 2 * limit:
            continue
        found = _changes(word, each, limit)
        if found <= limit:
            best, limit = each, found - 1
    return best


def suggestion(word: str, known: Iterable[str], sign: str = "") -> str:
    """Return what a message says of the nearest word, empty where there is none."""
    near = nearest(word, known)
    return "" if near is None else f" (did you mean {sign}{near}?)"


def _changes(one: str, other: str, limit: int) -> int:
    """Return how many letters have to be added, removed or replaced, or more than ``limit``."""
    start = 0
    for mine, its in zip(one, other, strict=False):
        if mine != its:
            break
        start += 1
    one, other = one[start:], other[start:]
    if not one or not other or limit == 0:
        return max(len(one), len(other))
    return 1 + min(
        _changes(one[1:], other[1:], limit - 1),
        _changes(one[1:], other, limit - 1),
        _changes(one, other[1:], limit - 1),
    )
