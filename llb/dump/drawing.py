"""Draw a definition in DOT (Graphviz) or Mermaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.arguments.checked import checked
from llb.dump.fields import numbers
from llb.dump.labels import label, notes, one_line, shortened
from llb.dump.listing import fields_of

if TYPE_CHECKING:
    from llb.definition.decode import Vertex
    from llb.definition.definition import Definition

# Wider boxes are hard to read; the tooltip has everything.
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


@checked
def dot(definition: Definition) -> str:
    """Draw the graph in the DOT language, with edges from inputs to the steps that use them.

    Metadata is below the label of a step, and all its fields are in its tooltip. Edges are
    labelled with the output index unless it is 0.
    """
    vertices = definition.vertices()
    number = numbers(vertices)
    lines = ["digraph llb {", "  rankdir=BT;", '  node [shape=box, fontname="monospace"];']
    for vertex in vertices:
        node = number[vertex.digest]
        shape = _SHAPES.get(vertex.kind, "box")
        tooltip = "\n".join(f"{key}: {one_line(value)}" for key, value in fields_of(vertex, number))
        lines.append(
            f"  n{node} [label={_quoted(_caption(vertex))}, shape={shape}, "
            f"tooltip={_quoted(tooltip)}];"
        )
        for digest, index in vertex.inputs:
            edge = f"  n{number[digest]} -> n{node}"
            lines.append(f"{edge} [label={_quoted(str(index))}];" if index else f"{edge};")
    return "\n".join([*lines, "}"]) + "\n"


@checked
def mermaid(definition: Definition) -> str:
    """Draw the graph as a Mermaid flowchart, which Markdown viewers render.

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
    """Write the label of a step, and its metadata on the line below."""
    metadata = ", ".join(notes(vertex))
    lines = [label(vertex), metadata] if metadata else [label(vertex)]
    return "\n".join(shortened(line, _WIDTH) for line in lines)


def _quoted(string: str) -> str:
    """Quote a DOT string, in which Graphviz reads backslashes and HTML entities."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("&", "&amp;"), ("\n", "\\n")):
        string = string.replace(plain, escaped)
    return f'"{string}"'


# Mermaid reads Markdown and HTML in a label; its own entities are numbers after a hash.
_MARKUP = {ord(char): f"#{ord(char)};" for char in '#&<>"`*_~\\'}


def _entities(string: str) -> str:
    """Escape a Mermaid label so that no line begins like a Markdown list."""
    return "<br/>".join(
        line.translate(_MARKUP)
        if line[:1].isalpha() or line[:1] in "#/"
        else f"#{ord(line[0])};{line[1:].translate(_MARKUP)}"
        for line in string.split("\n")
        if line
    )
