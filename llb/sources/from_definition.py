"""Convert an existing definition to a state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.arguments.checked import checked
from llb.ops import nodes as ops
from llb.platforms import Platform
from llb.state.settings import Settings
from llb.state.state import State

if TYPE_CHECKING:
    from llb.definition.decode import Vertex
    from llb.definition.definition import Definition
    from llb.ops.metadata import OpMetadata


@checked
def from_definition(definition: Definition) -> State:
    """Convert a definition to a state, to add steps to it.

    The operations keep their bytes, metadata and source locations, so their digests do not change.
    The platform of the state is that of the last operation, if any.

    >>> from llb import Image
    >>> definition = Image("alpine").run("true").marshal(platform="linux/amd64")
    >>> from_definition(definition).run("echo more")
    <State after ExecOp>
    """
    vertices = {vertex.digest: vertex for vertex in definition.vertices()}
    if not vertices:
        return State()
    data = dict(zip(vertices, definition.ops, strict=True))
    *_, last = vertices.values()
    ((digest, index),) = last.inputs
    outputs: dict[tuple[str, int], ops.Output] = {}
    # As in Go, an operation has one node per output in use, and each node adds the source
    # locations once more.
    pending = [(digest, index)]
    while pending:
        key = pending[-1]
        vertex = vertices[key[0]]
        missing = [source for source in vertex.inputs if source not in outputs]
        if missing:
            pending += reversed(missing)
            continue
        pending.pop()
        if key not in outputs:
            outputs[key] = _output(vertex, data[key[0]], key[1], outputs)
    return State(outputs[digest, index], Settings(platform=_platform(vertices[digest])))


def _output(
    vertex: Vertex, data: bytes, index: int, outputs: dict[tuple[str, int], ops.Output]
) -> ops.Output:
    op = ops.EncodedOp(
        data=data,
        inputs=tuple(outputs[source] for source in vertex.inputs),
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
