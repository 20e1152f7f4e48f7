"""A definition as a tree, the result on top and what it needs below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen, mutable

from llb.dump.fields import numbers
from llb.dump.labels import label, notes, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.definition.decode import Vertex
    from llb.definition.definition import Definition

# Below this many levels a tree starts anew at the left margin: what a chain of n steps
# takes would otherwise grow with the square of n, and nobody reads so far to the right.
_LEVELS = 40
_WIDTH = 160


def tree(definition: Definition) -> str:
    """Return the graph as a tree, the result on top and what it needs below it.

    An operation that several others need is drawn once; later it is only named,
    with its number. ``#2.1`` is output 1 of operation 2. Words in parentheses
    say what is set for the step and where it was written. A deep graph goes on
    at the left margin, where its last line says so.
    """
    vertices = definition.vertices()
    if not vertices:
        return "scratch\n"
    drawing = _Drawing({each.digest: each for each in vertices}, numbers(vertices))
    roots = [vertices[-1].inputs[0]]
    for root in roots:
        roots += drawing.draw(root)
    return "\n".join(drawing.lines) + "\n"


@frozen
class _Line:
    """An operation that is still to be drawn: what leads to it, and to what is below it."""

    step: tuple[str, int]
    level: int
    lead: str = ""
    below: str = ""


@mutable
class _Drawing:
    """The lines so far, and what is drawn on them."""

    vertices: Mapping[str, Vertex]
    number: Mapping[str, int]
    lines: list[str] = field(factory=list)
    drawn: set[str] = field(factory=set)

    def draw(self, root: tuple[str, int]) -> list[tuple[str, int]]:
        """Draw a tree, and return what is too deep in it to be drawn."""
        deep: list[tuple[str, int]] = []
        pending = [] if root[0] in self.drawn else [_Line(root, 0)]
        while pending:
            line = pending.pop()
            vertex = self.vertices[line.step[0]]
            again = bool(vertex.inputs) and vertex.digest in self.drawn
            too_deep = bool(vertex.inputs) and line.level == _LEVELS and not again
            self.lines.append(line.lead + self._text(line.step, again, too_deep))
            if too_deep:
                deep.append(line.step)
            elif not again:
                self.drawn.add(vertex.digest)
                pending += _below(line, vertex)
        return deep

    def _text(self, step: tuple[str, int], again: bool, too_deep: bool) -> str:  # noqa: FBT001
        digest, index = step
        vertex = self.vertices[digest]
        name = f"#{self.number[digest]}{f'.{index}' if index else ''}"
        line = f"{name} {shortened(label(vertex), _WIDTH)}"
        if again:
            return f"{line} …"
        if too_deep:
            return f"{line} … drawn below"
        said = notes(vertex)
        return f"{line}  ({shortened(', '.join(said), _WIDTH)})" if said else line


def _below(line: _Line, vertex: Vertex) -> list[_Line]:
    """Return what a step needs, the last first, as it is taken from the end of a list."""
    inputs = list(dict.fromkeys(vertex.inputs))
    lines = [
        _Line(each, line.level + 1, line.below + "├── ", line.below + "│   ")
        for each in inputs[:-1]
    ]
    lines += [
        _Line(each, line.level + 1, line.below + "└── ", line.below + "    ")
        for each in inputs[-1:]
    ]
    return lines[::-1]
