"""Draw a definition as a tree, with the result at the top and its inputs below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen, mutable

from llb.arguments.checked import checked
from llb.dump.fields import numbers
from llb.dump.labels import label, notes, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.definition.decode import Vertex
    from llb.definition.definition import Definition

# Beyond this depth, a tree restarts at the left margin. Otherwise the output for a chain of n
# steps would grow quadratically, and nobody reads that far to the right.
_MAX_LEVELS = 40
_WIDTH = 160


@checked
def tree(definition: Definition) -> str:
    """Draw the graph as a tree, with the result at the top and its inputs below.

    An operation with several users is drawn once; later it appears only by its number.
    ``#2.1`` is output 1 of operation 2. Parentheses contain metadata and the source location of a
    step. A branch that is too deep continues at the left margin, as its last line says.
    """
    vertices = definition.vertices()
    if not vertices:
        return "scratch\n"
    drawing = _Drawing({vertex.digest: vertex for vertex in vertices}, numbers(vertices))
    roots = [vertices[-1].inputs[0]]
    for root in roots:
        roots += drawing.draw(root)
    return "\n".join(drawing.lines) + "\n"


@frozen
class _Line:
    """An operation still to be drawn, with the prefixes of its own line and of those below it."""

    step: tuple[str, int]
    level: int
    lead: str = ""
    below: str = ""


@mutable
class _Drawing:
    """The lines drawn so far, and the operations on them."""

    vertices: Mapping[str, Vertex]
    number: Mapping[str, int]
    lines: list[str] = field(factory=list)
    drawn: set[str] = field(factory=set)

    def draw(self, root: tuple[str, int]) -> list[tuple[str, int]]:
        """Draw a tree and return the steps that are too deep in it."""
        deep: list[tuple[str, int]] = []
        pending = [] if root[0] in self.drawn else [_Line(root, 0)]
        while pending:
            line = pending.pop()
            vertex = self.vertices[line.step[0]]
            again = bool(vertex.inputs) and vertex.digest in self.drawn
            too_deep = bool(vertex.inputs) and line.level == _MAX_LEVELS and not again
            self.lines.append(line.lead + self._format(line.step, again, too_deep))
            if too_deep:
                deep.append(line.step)
            elif not again:
                self.drawn.add(vertex.digest)
                pending += _input_lines(line, vertex)
        return deep

    def _format(self, step: tuple[str, int], again: bool, too_deep: bool) -> str:  # noqa: FBT001
        digest, index = step
        vertex = self.vertices[digest]
        name = f"#{self.number[digest]}{f'.{index}' if index else ''}"
        line = f"{name} {shortened(label(vertex), _WIDTH)}"
        if again:
            return f"{line} …"
        if too_deep:
            return f"{line} … drawn below"
        metadata = notes(vertex)
        return f"{line}  ({shortened(', '.join(metadata), _WIDTH)})" if metadata else line


def _input_lines(line: _Line, vertex: Vertex) -> list[_Line]:
    """Prepare the lines of a step's inputs, last first, because they are popped from a list."""
    inputs = list(dict.fromkeys(vertex.inputs))
    lines = [
        _Line(step, line.level + 1, line.below + "├── ", line.below + "│   ")
        for step in inputs[:-1]
    ]
    lines += [
        _Line(step, line.level + 1, line.below + "└── ", line.below + "    ")
        for step in inputs[-1:]
    ]
    return lines[::-1]
