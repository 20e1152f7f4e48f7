"""Index one of the two compared definitions by position, with comparison keys for its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, mutable

from llb.buildkit_names import LOCAL_SCHEME
from llb.compare.model import ComparedStep

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from llb.definition.decode import Vertex
    from llb.definition.definition import Definition

# Attributes by which a client separates the local directories of concurrent builds. They differ
# in each build, so comparing them would report a difference between any two builds.
MARKS = frozenset({"local.unique", "local.session"})


@mutable
class Keys:
    """Interned integers for values, equal for equal values of either definition."""

    numbers: dict[Hashable, int] = field(factory=dict)

    def number(self, value: Hashable) -> int:
        """Look up or assign the number of a value."""
        return self.numbers.setdefault(value, len(self.numbers))


@mutable
class Graph:
    """The steps of a definition, inputs before the steps that use them.

    ``own`` has a key for the content of each step regardless of its inputs, and ``whole`` one
    that includes everything below it. ``inputs`` are pairs of position and output, ``users``
    pairs of position and index among the user's inputs. ``partner`` is the position of the
    matching step in the other definition, or None.
    """

    steps: list[ComparedStep]
    inputs: list[tuple[tuple[int, int], ...]]
    users: list[list[tuple[int, int]]]
    own: list[int]
    whole: list[int]
    partner: list[int | None]

    @classmethod
    def of(cls, definition: Definition, keys: Keys) -> Graph:
        """Build the graph of a definition. Raises InvalidDefinitionError."""
        steps = _inputs_first(definition.vertices())
        positions = {step.digest: number for number, step in enumerate(steps)}
        inputs = [
            tuple((positions[digest], index) for digest, index in step.vertex.inputs)
            for step in steps
        ]
        own = [keys.number(_content(step.vertex)) for step in steps]
        whole: list[int] = []
        users: list[list[tuple[int, int]]] = [[] for _ in steps]
        for number, below in enumerate(inputs):
            whole.append(
                keys.number((own[number], *((whole[position], index) for position, index in below)))
            )
            for index, (position, _) in enumerate(below):
                users[position].append((number, index))
        return cls(steps, inputs, users, own, whole, [None] * len(steps))

    def free(self) -> list[int]:
        """List the positions of the steps without a partner."""
        return [position for position, partner in enumerate(self.partner) if partner is None]

    def vertex(self, position: int) -> Vertex:
        """Look up the operation at a position."""
        return self.steps[position].vertex


def is_marked(vertex: Vertex) -> bool:
    """Check whether an operation is a local directory with the mark of its build."""
    return vertex.kind == "source" and not MARKS.isdisjoint(vertex.op.get("attrs", ()))


def _content(vertex: Vertex) -> Hashable:
    """Build a comparable value from the content of a step."""
    if vertex.kind == "source" and LOCAL_SCHEME.encode() in vertex.encoded and is_marked(vertex):
        attrs: dict[str, Any] = vertex.op["attrs"]
        kept = tuple(pair for pair in attrs.items() if pair[0] not in MARKS)
        return (vertex.op["identifier"], kept, vertex.platform, vertex.worker_filters)
    return vertex.content


def _inputs_first(vertices: Iterable[Vertex]) -> list[ComparedStep]:
    """Sort operations so that inputs come first, and drop duplicates."""
    steps: dict[str, ComparedStep] = {}
    for number, vertex in enumerate(vertices, 1):
        steps.setdefault(vertex.digest, ComparedStep(number, vertex))
    ordered: dict[str, ComparedStep] = {}
    for root, first in steps.items():
        stack = [(root, iter(first.vertex.inputs))]
        while stack:
            digest, inputs = stack[-1]
            below = next((digest for digest, _ in inputs if digest not in ordered), None)
            if below is not None:
                stack.append((below, iter(steps[below].vertex.inputs)))
            else:
                ordered.setdefault(digest, steps[digest])
                stack.pop()
    return list(ordered.values())
