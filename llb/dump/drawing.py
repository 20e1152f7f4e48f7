"""A definition as a picture, in the languages of graphviz and of Mermaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.dump.fields import numbers
from llb.dump.labels import label, notes, one_line, shortened
from llb.dump.listing import facts

if TYPE_CHECKING:
    from llb.definition.decode import Vertex
    from llb.definition.definition import Definition

# A box that is wider is no longer read; the whole text is in the tooltip.
_WIDTH = 120
_SHAPES = {"source": "ellipse", "exec": "box", "file": "note", None: "plaintext"}
# Mermaid draws stadiums, rectangles, flags, hexagons and circles by their brackets.
_BRACKETS = {
    "source": ("([", "])"),
    "exec": ("[", "]"),
    "file": (">", "]"),
    "merge": ("{{", "}}"),
    "diff": ("{{", "}}"),
    "build": ("[[", "]]"),
    "passthrough": ("[/", "/]"),
    None: ("((", "))"),
}


def dot(definition: Definition) -> str:
    """Return the graph in the DOT language, edges from what is needed to what needs it.

    What is said about a step is below its label, and all its fields are its tooltip.
    Edges are labelled with the number of the output, where it is not 0.
    """
    vertices = definition.vertices()
    number = numbers(vertices)
    lines = ["digraph llb {", "  rankdir=BT;", '  node [shape=box, fontname="monospace"];']
    for vertex in vertices:
        node = number[vertex.digest]
        shape = _SHAPES.get(vertex.kind, "box")
        tooltip = "\n".join(f"{key}: {one_line(value)}" for key, value in facts(vertex, number))
        lines.append(
            f"  n{node} [label={_quoted(_caption(vertex))}, shape={shape}, "
            f"tooltip={_quoted(tooltip)}];"
        )
        for digest, index in vertex.inputs:
            edge = f"  n{number[digest]} -> n{node}"
            lines.append(f"{edge} [label={_quoted(str(index))}];" if index else f"{edge};")
    return "\n".join([*lines, "}"]) + "\n"


def mermaid(definition: Definition) -> str:
    """Return the graph as a flowchart of Mermaid, which Markdown viewers draw.

    Nodes and edges are labelled as in :func:`dot`; Mermaid has no tooltips.
    """
    vertices = definition.vertices()
    number = numbers(vertices)
    lines = ["flowchart BT"]
    for vertex in vertices:
        node = number[vertex.digest]
        left, right = _BRACKETS.get(vertex.kind, ("[", "]"))
        lines.append(f'  n{node}{left}"{_entities(_caption(vertex))}"{right}')
        for digest, index in vertex.inputs:
            arrow = f'-->|"{index}"|' if index else "-->"
            lines.append(f"  n{number[digest]} {arrow} n{node}")
    return "\n".join(lines) + "\n"


def _caption(vertex: Vertex) -> str:
    """Return the label of a step, and below it what is said about the step."""
    said = ", ".join(notes(vertex))
    lines = [label(vertex), said] if said else [label(vertex)]
    return "\n".join(shortened(line, _WIDTH) for line in lines)


def _quoted(text: str) -> str:
    """Return a string of DOT. Graphviz reads a backslash and HTML's entities in it."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("&", "&amp;"), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


# Mermaid reads Markdown and HTML in a label; its own entities are numbers after a hash.
_MARKUP = {ord(char): f"#{ord(char)};" for char in '#&<>"`*_~\\'}


def _entities(text: str) -> str:
    """Return a label of Mermaid, of which every line begins as no list of Markdown does."""
    return "<br/>".join(
        line.translate(_MARKUP)
        if line[:1].isalpha() or line[:1] in "#/"
        else f"#{ord(line[0])};{line[1:].translate(_MARKUP)}"
        for line in text.split("\n")
        if line
    )
