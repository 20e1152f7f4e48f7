"""Which step of one definition is which of the other.

Steps that are equal with all that is below them are the same, and the rest is paired by less
and less: by what they do, taken up from equal inputs and down from equal users, so that of
several like steps those in the same place are paired; by name; by command; and last by a score
of common words, neighbours and lines. Each pass takes time in proportion to the steps, the last
one only where few are left.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb.dump.labels import command

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from llb.compare.graph import Graph
    from llb.definition.decode import Vertex

# So many pairs are scored at most, in half a second.
_PAIRS = 40_000
_ROUNDS = 4
_ENOUGH = 0.5
_NEIGHBOUR = 0.3
_SAME_LINE = 0.2
_WORD = re.compile(r"\w+")
# What most image references and addresses have in common says nothing.
_COMMON = frozenset({"docker", "image", "io", "library", "latest", "https", "git", "com", "run"})


def match(old: Graph, new: Graph) -> None:
    """Set the partners of the steps of both graphs."""
    _pair_by(old, new, lambda graph, at: graph.whole[at])
    _pair_upwards(old, new)
    _pair_downwards(old, new, lambda graph, at: graph.own[at])
    _pair_by(old, new, lambda graph, at: graph.own[at])
    _pair_by(old, new, _name)
    _pair_by(old, new, lambda graph, at: (_kind(graph, at), command(graph.vertex(at))))
    for _ in range(_ROUNDS):
        if not _pair_alike(old, new):
            break
    else:
        return
    if _left(old, new) > _PAIRS:
        _pair_downwards(old, new, _kind)


def _kind(graph: Graph, at: int) -> Hashable:
    return graph.vertex(at).kind


def _name(graph: Graph, at: int) -> Hashable:
    vertex = graph.vertex(at)
    return None if vertex.name is None else (vertex.kind, vertex.name)


def _pair(old: Graph, new: Graph, ours: int, theirs: int) -> None:
    old.partner[ours], new.partner[theirs] = theirs, ours


def _pair_by(old: Graph, new: Graph, key: Callable[[Graph, int], Hashable]) -> None:
    """Pair steps with equal keys, in order; a key of None is no key."""
    waiting: dict[Hashable, list[int]] = {}
    for at in reversed(old.free()):
        if (found := key(old, at)) is not None:
            waiting.setdefault(found, []).append(at)
    for at in new.free():
        if candidates := waiting.get(key(new, at)):
            _pair(old, new, candidates.pop(), at)


def _pair_upwards(old: Graph, new: Graph) -> None:
    """Pair steps that do the same to the same inputs, and then what does the same to those."""
    waiting: dict[Hashable, list[int]] = {}
    for at in reversed(old.free()):
        waiting.setdefault((old.own[at], old.inputs[at]), []).append(at)
    for at in new.free():
        inputs = tuple((new.partner[below], index) for below, index in new.inputs[at])
        if candidates := waiting.get((new.own[at], inputs)):
            _pair(old, new, candidates.pop(), at)


def _pair_downwards(old: Graph, new: Graph, key: Callable[[Graph, int], Hashable]) -> None:
    """Pair the inputs of steps that are paired, where their keys are equal."""
    for at in reversed(range(len(new.steps))):
        partner = new.partner[at]
        if partner is None:
            continue
        for (ours, _), (theirs, _) in zip(old.inputs[partner], new.inputs[at], strict=False):
            free = old.partner[ours] is None and new.partner[theirs] is None
            if free and key(old, ours) == key(new, theirs):
                _pair(old, new, ours, theirs)


def _left(old: Graph, new: Graph) -> int:
    return len(old.free()) * len(new.free())


def _pair_alike(old: Graph, new: Graph) -> bool:
    """Pair what is alike, the most alike first; return whether there was any."""
    if _left(old, new) > _PAIRS:
        return False
    ours, theirs = _words(old), _words(new)
    scored = []
    for first, words in ours.items():
        for second, others in theirs.items():
            if _kind(old, first) == _kind(new, second):
                score = _common(words, others) + _place_score(old, new, first, second)
                if score >= _ENOUGH:
                    scored.append((-score, first, second))
    for _, first, second in sorted(scored):
        if old.partner[first] is None and new.partner[second] is None:
            _pair(old, new, first, second)
    return bool(scored)


def _words(graph: Graph) -> dict[int, frozenset[str]]:
    return {
        at: frozenset(_WORD.findall(command(graph.vertex(at)))) - _COMMON for at in graph.free()
    }


def _common(first: frozenset[str], second: frozenset[str]) -> float:
    """Return which part of all words both have."""
    return len(first & second) / len(first | second) if first or second else 0.0


def _place_score(old: Graph, new: Graph, first: int, second: int) -> float:
    score = 0.0
    if _share_inputs(old, new, first, second):
        score += _NEIGHBOUR
    if _share_users(old, new, first, second):
        score += _NEIGHBOUR
    if _line(old.vertex(first)) == _line(new.vertex(second)) is not None:
        score += _SAME_LINE
    return score


def _share_inputs(old: Graph, new: Graph, first: int, second: int) -> bool:
    """Return whether the first inputs are the same; two steps without any share that."""
    ours, theirs = old.inputs[first][:1], new.inputs[second][:1]
    if not ours or not theirs:
        return ours == theirs
    return old.partner[ours[0][0]] == theirs[0][0]


def _share_users(old: Graph, new: Graph, first: int, second: int) -> bool:
    """Return whether a step uses both in the same place."""
    ours = {(old.partner[user], place) for user, place in old.users[first]}
    return any(each in ours for each in new.users[second])


def _line(vertex: Vertex) -> Hashable:
    """Return the first line that made a step."""
    for location in vertex.locations:
        for part in location.ranges:
            return (location.file.filename, part.line)
    return None
