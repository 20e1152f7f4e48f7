"""A definition as text for people: a listing, a tree, and DOT for graphviz."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llb.definition import Definition, Vertex

_SHOWN_DATA = 60


def text(definition: Definition) -> str:
    """Return every operation with all its fields, in the order of the definition.

    Operations are numbered from 1 and inputs are given as ``#number.output``.
    The text is the same for equal definitions, and ends with a newline.
    """
    vertices = definition.vertices()
    if not vertices:
        return "scratch\n"
    number = {vertex.digest: place for place, vertex in enumerate(vertices, 1)}
    lines: list[str] = []
    for vertex in vertices:
        lines.append(f"#{number[vertex.digest]} {label(vertex)}")
        lines += [f"    {key}: {value}" for key, value in _facts(vertex, number)]
    return "\n".join(lines) + "\n"


def tree(definition: Definition) -> str:
    """Return the graph as a tree, the result on top and what it needs below it.

    An operation that several others need is drawn once; later it is only named,
    with its number.
    """
    vertices = {vertex.digest: vertex for vertex in definition.vertices()}
    if not vertices:
        return "scratch\n"
    number = {digest: place for place, digest in enumerate(vertices, 1)}
    head = definition.vertices()[-1].inputs[0][0]
    lines: list[str] = []
    drawn: set[str] = set()
    # Each entry is a digest, what leads to its line, and what leads to the lines below it.
    pending = [(head, "", "")]
    while pending:
        digest, lead, below = pending.pop()
        again = digest in drawn and bool(vertices[digest].inputs)
        lines.append(f"{lead}#{number[digest]} {label(vertices[digest])}" + " …" * again)
        if again:
            continue
        drawn.add(digest)
        children = list(dict.fromkeys(each for each, _ in vertices[digest].inputs))
        for place, child in reversed(list(enumerate(children, 1))):
            last = place == len(children)
            pending.append(
                (child, below + ("└── " if last else "├── "), below + ("    " if last else "│   "))
            )
    return "\n".join(lines) + "\n"


def dot(definition: Definition) -> str:
    """Return the graph in the DOT language, edges from what is needed to what needs it."""
    vertices = definition.vertices()
    number = {vertex.digest: place for place, vertex in enumerate(vertices, 1)}
    lines = ["digraph llb {", "  rankdir=BT;", '  node [shape=box, fontname="monospace"];']
    for vertex in vertices:
        node = number[vertex.digest]
        shape = _SHAPES.get(vertex.kind or "result", "box")
        lines.append(f"  n{node} [label={_quoted(label(vertex))}, shape={shape}];")
        for digest, index in vertex.inputs:
            edge = f"  n{number[digest]} -> n{node}"
            lines.append(f"{edge} [label={_quoted(str(index))}];" if index else f"{edge};")
    return "\n".join([*lines, "}"]) + "\n"


def label(vertex: Vertex) -> str:
    """Return one line that says what an operation does; its custom name where it has one."""
    if vertex.name is not None:
        return vertex.name
    if vertex.kind is None:
        return "result"
    return _LABELS[vertex.kind](vertex.op)


def _exec_label(op: Mapping[str, Any]) -> str:
    args = op.get("meta", {}).get("args", [])
    if args[:2] == ["/bin/sh", "-c"] and len(args) == 3:
        return f"run {args[2]}"
    return f"run {shlex.join(args)}"


def _file_label(op: Mapping[str, Any]) -> str:
    return ", ".join(_action_label(action) for action in op.get("actions", []))


def _action_label(action: Mapping[str, Any]) -> str:
    for kind, fields in (
        ("copy", ("src", "dest")),
        ("mkfile", ("path",)),
        ("mkdir", ("path",)),
        ("rm", ("path",)),
        ("symlink", ("oldpath", "newpath")),
    ):
        if kind in action:
            return " ".join([kind, *(str(action[kind].get(name, "")) for name in fields)])
    return "no action"


_LABELS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "source": lambda op: str(op.get("identifier", "")),
    "exec": _exec_label,
    "file": _file_label,
    "build": lambda _: "build",
    "merge": lambda _: "merge",
    "diff": lambda _: "diff",
    "passthrough": lambda op: f"passthrough {op.get('id', '')}",
}
_SHAPES = {"source": "ellipse", "exec": "box", "file": "note", "result": "plaintext"}


def _facts(vertex: Vertex, number: Mapping[str, int]) -> list[tuple[str, str]]:
    metadata = vertex.metadata
    facts = [("digest", vertex.digest)]
    if vertex.inputs:
        facts.append(
            ("inputs", ", ".join(f"#{number[each]}.{index}" for each, index in vertex.inputs))
        )
    if vertex.platform:
        facts.append(("platform", vertex.platform))
    if vertex.worker_filters:
        facts.append(("worker filters", ", ".join(vertex.worker_filters)))
    facts += _fields(vertex.kind or "", vertex.op)
    facts += [(f"description {key}", value) for key, value in sorted(metadata.description.items())]
    if metadata.ignore_cache:
        facts.append(("ignore cache", "yes"))
    if metadata.export_cache is not None:
        facts.append(("export cache", "yes" if metadata.export_cache else "no"))
    if metadata.progress_group is not None:
        facts.append(("progress group", str(metadata.progress_group)))
    if metadata.resources is not None:
        facts.append(("resources", str(metadata.resources)))
    if metadata.caps:
        facts.append(("caps", ", ".join(sorted(metadata.caps))))
    for location in vertex.locations:
        lines = ", ".join(
            f"{each.line}" if each.line == each.end_line else f"{each.line}-{each.end_line}"
            for each in location.ranges
        )
        facts.append(("from", f"{location.file.filename}:{lines}"))
    return facts


def _fields(path: str, value: object) -> list[tuple[str, str]]:
    """Return a nested value as pairs of dotted path and JSON text."""
    if isinstance(value, Mapping):
        return [
            pair
            for key in sorted(value)
            for pair in _fields(f"{path}.{key}", _readable(key, value[key]))
        ]
    if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        return [
            pair for place, each in enumerate(value) for pair in _fields(f"{path}[{place}]", each)
        ]
    return [(path, json.dumps(value, ensure_ascii=False))]


def _readable(key: str, value: object) -> object:
    """Return a file's content as the beginning of its text rather than as base64."""
    if key != "data" or not isinstance(value, str):
        return value
    data = base64.b64decode(value)
    shown = data[:_SHOWN_DATA].decode("utf-8", errors="backslashreplace")
    return shown if len(data) <= _SHOWN_DATA else f"{shown}… ({len(data)} bytes)"


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
