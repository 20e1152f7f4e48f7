"""Build definitions as far as possible without running a process."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, TypeAlias

from llb.buildkit_names import LOCAL_SCHEME, SESSION_UPLOADS
from llb.dump.labels import command, label
from llb.errors import RemoteError
from llb.protobuf import digest_of
from llb.testing.failures import Failed, with_step
from llb.testing.fake_buildkit.actions import NotSimulatedError, apply_action
from llb.testing.fake_buildkit.session import to_grpc_go_error
from llb.testing.fake_buildkit.trees import DIRECTORY, Node, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb import Definition
    from llb.definition.decode import Vertex
    from llb.sources.inline_files import Content
    from llb.testing.fake_buildkit.session import ClientSession
    from llb.testing.images import FakeImages

    StepOutput: TypeAlias = "Mapping[str, Content] | Failed"
    Outputs: TypeAlias = "Mapping[tuple[str, int], Tree]"

EMPTY = Tree({"/": DIRECTORY})
# The kinds of steps that are simulated and read their inputs.
_SIMULATED = ("file", "merge", "passthrough")
_UNKNOWN, _UNIMPLEMENTED = 2, 12


class Builder:
    """A builder of local sources, uploads, file actions and merges.

    ``outputs`` replace any other step. A key is the step's command as in a dump (``run make``,
    ``docker-image://docker.io/library/alpine:latest``), its name, or its digest. All output
    mounts of a process get the same tree. ``session`` returns the session with an id, or the
    only one for ``""``.
    """

    def __init__(
        self,
        outputs: Mapping[str, StepOutput],
        images: FakeImages,
        session: Callable[[str], ClientSession | None],
    ) -> None:
        self._outputs = outputs
        self._images = images
        self._session = session
        # The requests that need a real daemon, one per line.
        self.unanswered: list[str] = []

    def tree(self, definition: Definition) -> Tree:
        """Build a definition.

        Raises RemoteError as a daemon does, or with ``UNIMPLEMENTED`` for a step that needs a
        real daemon.
        """
        vertices = definition.vertices()
        if not vertices:
            return EMPTY
        steps = {vertex.digest: vertex for vertex in vertices}
        built: dict[tuple[str, int], Tree] = {}
        pending = [vertices[-1].inputs[0]]
        while pending:
            vertex = steps[pending[-1][0]]
            missing = [edge for edge in vertex.inputs if edge not in built]
            if missing and vertex.kind in _SIMULATED and self._output_key(vertex) is None:
                pending.extend(missing)
                continue
            key = pending.pop()
            if key not in built:
                built.update(self._build(vertex, built, key[1]))
            if key not in built:
                raise RemoteError(f"operation {key[0]} has no output {key[1]}", code=_UNKNOWN)
        return built[vertices[-1].inputs[0]]

    def _output_key(self, vertex: Vertex) -> str | None:
        """Find the key of a step in ``outputs``, if any."""
        keys = (label(vertex), command(vertex), vertex.digest)
        return next((key for key in keys if key in self._outputs), None)

    def _build(self, vertex: Vertex, built: Outputs, index: int) -> Outputs:
        try:
            if (key := self._output_key(vertex)) is not None:
                return {(vertex.digest, index): self._configured_output(vertex, key)}
            match vertex.kind:
                case "source" if vertex.op["identifier"].startswith(LOCAL_SCHEME):
                    return {(vertex.digest, 0): self._local(vertex)}
                case "source" if vertex.op["identifier"].startswith(SESSION_UPLOADS):
                    return {(vertex.digest, 0): self._upload(vertex)}
                case "file":
                    return _file(vertex, built)
                case "merge":
                    return {(vertex.digest, 0): _merge(vertex, built)}
                case "passthrough":
                    return {(vertex.digest, index): _passthrough(vertex, built, index)}
                case _:
                    raise self._unsupported(vertex)
        except NotSimulatedError as error:
            self.unanswered.append(f"{label(vertex)}: {error}")
            raise RemoteError(
                f"the fake daemon cannot build {label(vertex)!r}: {error}",
                code=_UNIMPLEMENTED,
                hint=f"specify its output with outputs={{{label(vertex)!r}: {{PATH: CONTENT}}}}",
            ) from error
        except RemoteError as error:
            raise error if error.details else with_step(error, vertex) from error

    def _configured_output(self, vertex: Vertex, key: str) -> Tree:
        output = self._outputs[key]
        if isinstance(output, Failed):
            raise output.error(vertex)
        return Tree.of(output)

    def _unsupported(self, vertex: Vertex) -> RemoteError | NotSimulatedError:
        """Create the error of a step that is not simulated, or of a missing image."""
        kind, _, ref = str(vertex.op.get("identifier", "")).partition("://")
        if kind == "docker-image" and not self._images.has(ref):
            return RemoteError(f"failed to load cache key: {ref}: not found", code=_UNKNOWN)
        return NotSimulatedError("only a real daemon can run this step")

    def _local(self, vertex: Vertex) -> Tree:
        attrs = vertex.op.get("attrs", {})
        session = self._session(attrs.get("local.session", ""))
        if session is None:
            raise RemoteError("no active sessions", code=_UNKNOWN)
        patterns = {
            name: json.loads(attrs.get(f"local.{key}", "[]"))
            for name, key in (
                ("include", "includepattern"),
                ("exclude", "excludepatterns"),
                ("follow", "followpaths"),
            )
        }
        try:
            return session.tree(vertex.op["identifier"].removeprefix(LOCAL_SCHEME), **patterns)
        except RemoteError as error:
            raise to_grpc_go_error(error) from error

    def _upload(self, vertex: Vertex) -> Tree:
        attrs = vertex.op.get("attrs", {})
        session = self._session("")
        if session is None:
            raise RemoteError("no active sessions", code=_UNKNOWN)
        data = session.upload(vertex.op["identifier"])
        digest = digest_of(data)
        if attrs.get("http.checksum", digest) != digest:
            raise RemoteError(f"digest mismatch {digest}: {attrs['http.checksum']}", code=_UNKNOWN)
        name = attrs.get("http.filename") or vertex.op["identifier"].rpartition("/")[2]
        mode = int(attrs.get("http.perm", "0600"), 8)
        return Tree({"/": DIRECTORY, f"/{name}": Node(stat.S_IFREG | mode, data)})


def _file(vertex: Vertex, built: Outputs) -> Outputs:
    """Apply file actions in order and collect their outputs."""
    trees = [built[edge] for edge in vertex.inputs]
    outputs: dict[tuple[str, int], Tree] = {}
    for action in vertex.op.get("actions", ()):
        base, source = (_input(trees, action.get(key, 0)) for key in ("input", "secondaryInput"))
        trees.append(apply_action(base, source, action))
        if action.get("output", 0) >= 0:
            outputs[vertex.digest, action.get("output", 0)] = trees[-1]
    return outputs


def _merge(vertex: Vertex, built: Outputs) -> Tree:
    merged = EMPTY
    for merge_input in vertex.op.get("inputs", ()):
        merged = merged.with_nodes(built[vertex.inputs[merge_input.get("input", 0)]].nodes)
    return merged


def _passthrough(vertex: Vertex, built: Outputs, index: int) -> Tree:
    return _input([built[edge] for edge in vertex.inputs], vertex.op["outputs"][index])


def _input(trees: list[Tree], index: int) -> Tree:
    return EMPTY if index < 0 else trees[index]
