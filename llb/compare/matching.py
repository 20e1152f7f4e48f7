"""Match the steps of one definition with those of the other.

Steps that are equal together with everything below them match. Ever weaker criteria pair the
others: content, followed up from equal inputs and down from equal users so that similar steps
match by position; then name; then command; and last a score of common words, neighbours and
source lines. Each pass takes linear time; the last one runs only when few steps are left.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb.dump.labels import command

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from llb.compare.graph import Graph
    from llb.definition.decode import Vertex

# The largest number of pairs to score, which takes half a second.
_MAX_PAIRS = 40_000
_ROUNDS = 4
_MIN_SCORE = 0.5
_NEIGHBOUR = 0.3
_SAME_LINE = 0.2
_WORD = re.compile(r"\w+")
# Words that most image references and URLs share carry no information.
_COMMON = frozenset({"docker", "image", "io", "library", "latest", "https", "git", "com", "run"})


def match(old: Graph, new: Graph) -> None:
    """Set the partners of the steps of both graphs."""
    _pair_by(old, new, lambda graph, position: graph.whole[position])
    _pair_upwards(old, new)
    _pair_downwards(old, new, lambda graph, position: graph.own[position])
    _pair_by(old, new, lambda graph, position: graph.own[position])
    _pair_by(old, new, _name)
    _pair_by(
        old, new, lambda graph, position: (_kind(graph, position), command(graph.vertex(position)))
    )
    for _ in range(_ROUNDS):
        if not _pair_alike(old, new):
            break
    else:
        return
    if _candidate_pairs(old, new) > _MAX_PAIRS:
        _pair_downwards(old, new, _kind)


def _kind(graph: Graph, position: int) -> Hashable:
    return graph.vertex(position).kind


def _name(graph: Graph, position: int) -> Hashable:
    vertex = graph.vertex(position)
    return None if vertex.name is None else (vertex.kind, vertex.name)


def _pair(old: Graph, new: Graph, old_position: int, new_position: int) -> None:
    old.partner[old_position], new.partner[new_position] = new_position, old_position


def _pair_by(old: Graph, new: Graph, key: Callable[[Graph, int], Hashable]) -> None:
    """Pair steps with equal keys, in order; None is not a key."""
    waiting: dict[Hashable, list[int]] = {}
    for position in reversed(old.free()):
        if (value := key(old, position)) is not None:
            waiting.setdefault(value, []).append(position)
    for position in new.free():
        if candidates := waiting.get(key(new, position)):
            _pair(old, new, candidates.pop(), position)


def _pair_upwards(old: Graph, new: Graph) -> None:
    """Pair steps with equal content and paired inputs, from the bottom up."""
    waiting: dict[Hashable, list[int]] = {}
    for position in reversed(old.free()):
        waiting.setdefault((old.own[position], old.inputs[position]), []).append(position)
    for position in new.free():
        inputs = tuple((new.partner[below], index) for below, index in new.inputs[position])
        if candidates := waiting.get((new.own[position], inputs)):
            _pair(old, new, candidates.pop(), position)


def _pair_downwards(old: Graph, new: Graph, key: Callable[[Graph, int], Hashable]) -> None:
    """Pair the inputs of paired steps if their keys are equal."""
    for position in reversed(range(len(new.steps))):
        partner = new.partner[position]
        if partner is None:
            continue
        for (old_position, _), (new_position, _) in zip(
            old.inputs[partner], new.inputs[position], strict=False
        ):
            free = old.partner[old_position] is None and new.partner[new_position] is None
            if free and key(old, old_position) == key(new, new_position):
                _pair(old, new, old_position, new_position)


def _candidate_pairs(old: Graph, new: Graph) -> int:
    return len(old.free()) * len(new.free())


def _pair_alike(old: Graph, new: Graph) -> bool:
    """Pair similar steps, the most similar first; return whether any were found."""
    if _candidate_pairs(old, new) > _MAX_PAIRS:
        return False
    old_words, new_words = _words(old), _words(new)
    scored = []
    for first, old_step_words in old_words.items():
        for second, new_step_words in new_words.items():
            if _kind(old, first) == _kind(new, second):
                score = _common_share(old_step_words, new_step_words) + _place_score(
                    old, new, first, second
                )
                if score >= _MIN_SCORE:
                    scored.append((-score, first, second))
    for _, first, second in sorted(scored):
        if old.partner[first] is None and new.partner[second] is None:
            _pair(old, new, first, second)
    return bool(scored)


def _words(graph: Graph) -> dict[int, frozenset[str]]:
    return {
        position: frozenset(_WORD.findall(command(graph.vertex(position)))) - _COMMON
        for position in graph.free()
    }


def _common_share(first: frozenset[str], second: frozenset[str]) -> float:
    """Calculate the share of all words that both have."""
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
    """Check whether the first inputs match; two steps without inputs match too."""
    old_inputs, new_inputs = old.inputs[first][:1], new.inputs[second][:1]
    if not old_inputs or not new_inputs:
        return old_inputs == new_inputs
    return old.partner[old_inputs[0][0]] == new_inputs[0][0]


def _share_users(old: Graph, new: Graph, first: int, second: int) -> bool:
    """Check whether a step uses both at the same index."""
    old_uses = {(old.partner[user], index) for user, index in old.users[first]}
    return any(use in old_uses for use in new.users[second])


def _line(vertex: Vertex) -> Hashable:
    """Find the first source line of a step."""
    for location in vertex.locations:
        for part in location.ranges:
            return (location.file.filename, part.line)
    return None
