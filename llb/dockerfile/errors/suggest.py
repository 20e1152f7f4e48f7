"""Suggest the nearest known word for a misspelt one, by BuildKit's edit distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST = 2


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Find the first of the known words with the smallest edit distance, which is 2 at most.

    None if the word itself is known: it is not misspelt then.

    >>> nearest("TARGETARC", ["TARGETOS", "TARGETARCH"])
    'TARGETARCH'
    """
    best, limit = None, _MOST
    letters = frozenset(word)
    for candidate in candidates:
        if candidate == word:
            return None
        # One change removes at most one letter and adds at most one.
        if limit < 0 or len(letters.symmetric_difference(candidate)) > 2 * limit:
            continue
        changes = _changes(word, candidate, limit)
        if changes <= limit:
            best, limit = candidate, changes - 1
    return best


def suggestion(word: str, candidates: Iterable[str], sign: str = "") -> str:
    """Format the nearest word as the end of a message; empty if there is none."""
    near = nearest(word, candidates)
    return "" if near is None else f" (did you mean {sign}{near}?)"


def _changes(word: str, candidate: str, limit: int) -> int:
    """Count the letters to add, remove or replace, or return more than ``limit``."""
    start = 0
    for ours, theirs in zip(word, candidate, strict=False):
        if ours != theirs:
            break
        start += 1
    word, candidate = word[start:], candidate[start:]
    if not word or not candidate or limit == 0:
        return max(len(word), len(candidate))
    return 1 + min(
        _changes(word[1:], candidate[1:], limit - 1),
        _changes(word[1:], candidate, limit - 1),
        _changes(word, candidate[1:], limit - 1),
    )
