"""Name the role of each input of an operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llb.definition.decode import Vertex


def roles(vertex: Vertex) -> dict[str, int]:
    """Map each role to the index of its input: ``{"mount /": 0, "mount /src": 1}``.

    The role of an input without a specific one is its index.
    """
    count = len(vertex.inputs)
    indices: dict[str, int] = {}
    for role, number in _named_inputs(vertex.kind, vertex.op):
        if 0 <= number < count:
            indices.setdefault(role, number)
    used = set(indices.values())
    for number in range(count):
        if number not in used:
            indices[str(number)] = number
    return indices


def _named_inputs(kind: str | None, op: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    match kind:
        case "exec":
            for mount in op.get("mounts", ()):
                yield f"mount {mount.get('dest', '')}", mount.get("input", 0)
        case "file":
            for index, action in enumerate(op.get("actions", ())):
                yield ("base" if index == 0 else f"base of action {index}"), action.get("input", 0)
                source = "source" if index == 0 else f"source of action {index}"
                yield source, action.get("secondaryInput", 0)
        case "diff":
            for side in ("lower", "upper"):
                yield side, op.get(side, {}).get("input", 0)
        case "build":
            for name, entry in op.get("inputs", {}).items():
                yield name, entry.get("input", 0)
        case None:
            yield "result", 0
        case _:
            # The inputs of a merge and of a passthrough are numbered rather than named.
            return
