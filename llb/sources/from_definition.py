"""Definitions that were made elsewhere, taken back in as states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.ops import nodes as ops
from llb.platforms import Platform
from llb.state.settings import Settings
from llb.state.state import State

if TYPE_CHECKING:
    from llb.definition.decode import Vertex
    from llb.definition.definition import Definition
    from llb.ops.metadata import OpMetadata


def from_definition(definition: Definition) -> State:
    """Return the tree that a definition describes, to build upon.

    The bytes of its operations stay as they are, and so do their metadata and source
    locations. The platform is that of its last operation, where it has one.
    """
    vertices = {vertex.digest: vertex for vertex in definition.vertices()}
    if not vertices:
        return State()
    data = dict(zip(vertices, definition.ops, strict=True))
    *_, last = vertices.values()
    ((digest, index),) = last.inputs
    made: dict[tuple[str, int], ops.Output] = {}
    # An operation has a node for each of its outputs that is used, as in Go, where each
    # of them brings the source locations once more.
    pending = [(digest, index)]
    while pending:
        key = pending[-1]
        vertex = vertices[key[0]]
        missing = [each for each in vertex.inputs if each not in made]
        if missing:
            pending += reversed(missing)
            continue
        pending.pop()
        if key not in made:
            made[key] = _output(vertex, data[key[0]], key[1], made)
    return State(made[digest, index], Settings(platform=_platform(vertices[digest])))


def _output(
    vertex: Vertex, data: bytes, index: int, made: dict[tuple[str, int], ops.Output]
) -> ops.Output:
    op = ops.EncodedOp(
        data=data,
        inputs=tuple(made[each] for each in vertex.inputs),
        caps=vertex.metadata.caps,
        constraints=_constraints(vertex.metadata, vertex),
    )
    return ops.Output(op, index)


def _constraints(metadata: OpMetadata, vertex: Vertex) -> ops.Constraints:
    return ops.Constraints(
        platform=_platform(vertex),
        ignore_cache=metadata.ignore_cache,
        description=tuple(metadata.description.items()),
        export_cache=metadata.export_cache,
        progress_group=metadata.progress_group,
        resources=metadata.resources,
        locations=vertex.locations,
    )


def _platform(vertex: Vertex) -> Platform | None:
    return None if vertex.platform is None else Platform.parse(vertex.platform)
