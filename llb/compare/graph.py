"""One of two definitions that are compared, as lists by position, with keys for its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, mutable

from llb.buildkit_names import LOCAL_SCHEME
from llb.compare.model import Step

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from llb.definition.decode import Vertex
    from llb.definition.definition import Definition

# What a client writes to keep apart the local directories of builds that run at once: it is
# another in each build, so that comparing it would find a difference between any two.
MARKS = frozenset({"local.unique", "local.session"})


@mutable
class Keys:
    """Small numbers for values, equal for equal values of either definition."""

    numbers: dict[Hashable, int] = field(factory=dict)

    def number(self, value: Hashable) -> int:
        """Return the number of a value."""
        return self.numbers.setdefault(value, len(self.numbers))


@mutable
class Graph:
    """The steps of a definition, inputs before those that use them.

    ``own`` has a key for what each step does, whatever its inputs are, and ``whole`` one
    that includes everything below it. ``inputs`` are pairs of position and output,
    ``users`` pairs of position and place among the user's inputs. ``partner`` is the
    position of the same step on the other side, or None.
    """

    steps: list[Step]
    inputs: list[tuple[tuple[int, int], ...]]
    users: list[list[tuple[int, int]]]
    own: list[int]
    whole: list[int]
    partner: list[int | None]

    @classmethod
    def of(cls, definition: Definition, keys: Keys) -> Graph:
        """Return the graph of a definition. Raises InvalidDefinitionError."""
        steps = _inputs_first(definition.vertices())
        position = {step.digest: number for number, step in enumerate(steps)}
        inputs = [
            tuple((position[digest], index) for digest, index in step.vertex.inputs)
            for step in steps
        ]
        own = [keys.number(_content(step.vertex)) for step in steps]
        whole: list[int] = []
        users: list[list[tuple[int, int]]] = [[] for _ in steps]
        for number, below in enumerate(inputs):
            whole.append(keys.number((own[number], *((whole[at], index) for at, index in below))))
            for place, (at, _) in enumerate(below):
                users[at].append((number, place))
        return cls(steps, inputs, users, own, whole, [None] * len(steps))

    def free(self) -> list[int]:
        """Return the positions of the steps that have no partner."""
        return [at for at, partner in enumerate(self.partner) if partner is None]

    def vertex(self, at: int) -> Vertex:
        """Return the operation at a position."""
        return self.steps[at].vertex


def is_marked(vertex: Vertex) -> bool:
    """Return whether an operation is a local directory with a mark of its build."""
    return vertex.kind == "source" and not MARKS.isdisjoint(vertex.op.get("attrs", ()))


def _content(vertex: Vertex) -> Hashable:
    """Return what a step does as a value to compare."""
    if vertex.kind == "source" and LOCAL_SCHEME.encode() in vertex.encoded and is_marked(vertex):
        attrs: dict[str, Any] = vertex.op["attrs"]
        kept = tuple(pair for pair in attrs.items() if pair[0] not in MARKS)
        return (vertex.op["identifier"], kept, vertex.platform, vertex.worker_filters)
    return vertex.content


def _inputs_first(vertices: Iterable[Vertex]) -> list[Step]:
    """Return each operation once, inputs first, where the definition has another order too."""
    steps: dict[str, Step] = {}
    for number, vertex in enumerate(vertices, 1):
        steps.setdefault(vertex.digest, Step(number, vertex))
    ordered: dict[str, Step] = {}
    for root, first in steps.items():
        stack = [(root, iter(first.vertex.inputs))]
        while stack:
            digest, inputs = stack[-1]
            below = next((each for each, _ in inputs if each not in ordered), None)
            if below is not None:
                stack.append((below, iter(steps[below].vertex.inputs)))
            else:
                ordered.setdefault(digest, steps[digest])
                stack.pop()
    return list(ordered.values())
