"""For what an operation uses each of its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llb.definition.decode import Vertex


def roles(vertex: Vertex) -> dict[str, int]:
    """Return places among the inputs by role: ``{"mount /": 0, "mount /src": 1}``.

    An input that has no role of its own has its place as one.
    """
    count = len(vertex.inputs)
    found: dict[str, int] = {}
    for role, number in _uses(vertex.kind, vertex.op):
        if 0 <= number < count:
            found.setdefault(role, number)
    used = set(found.values())
    for number in range(count):
        if number not in used:
            found[str(number)] = number
    return found


def _uses(kind: str | None, op: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    match kind:
        case "exec":
            for mount in op.get("mounts", ()):
                yield f"mount {mount.get('dest', '')}", mount.get("input", 0)
        case "file":
            for place, action in enumerate(op.get("actions", ())):
                yield ("base" if place == 0 else f"base of action {place}"), action.get("input", 0)
                source = "source" if place == 0 else f"source of action {place}"
                yield source, action.get("secondaryInput", 0)
        case "diff":
            for side in ("lower", "upper"):
                yield side, op.get(side, {}).get("input", 0)
        case "build":
            for name, each in op.get("inputs", {}).items():
                yield name, each.get("input", 0)
        case None:
            yield "result", 0
        case _:
            # The inputs of a merge and of a passthrough have places and no names.
            return
