"""What a definition comes to, as far as that can be told without running anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

from llb.buildkit_names import LOCAL_SCHEME
from llb.dump.labels import command, label
from llb.errors import RemoteError
from llb.testing.failures import Failed, with_step
from llb.testing.fake_buildkit.actions import NotSimulatedError, act
from llb.testing.fake_buildkit.session import as_go_tells
from llb.testing.fake_buildkit.trees import DIRECTORY, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb import Definition
    from llb.definition.decode import Vertex
    from llb.sources.inline_files import Content
    from llb.testing.fake_buildkit.session import ClientSession
    from llb.testing.images import FakeImages

    Made: TypeAlias = "Mapping[str, Content] | Failed"
    Outputs: TypeAlias = "Mapping[tuple[str, int], Tree]"

EMPTY = Tree({"/": DIRECTORY})
# What is done here to inputs, which are then needed.
_DONE = ("file", "merge", "passthrough")
_UNKNOWN, _UNIMPLEMENTED = 2, 12


class Builder:
    """Builds sources of the client, file actions and merges.

    ``outputs`` say what comes of any other step, by what it does in a line of a dump
    (``run make``, ``docker-image://docker.io/library/alpine:latest``), its name, or its digest;
    of a process that writes to mounts, all of its trees are that one. ``session`` returns the session with an id, or the only one for ``""``.
    """

    def __init__(
        self,
        outputs: Mapping[str, Made],
        images: FakeImages,
        session: Callable[[str], ClientSession | None],
    ) -> None:
        self._outputs = outputs
        self._images = images
        self._session = session
        # What could not be told, a line each.
        self.unanswered: list[str] = []

    def tree(self, definition: Definition) -> Tree:
        """Return what a definition describes.

        Raises RemoteError where a daemon does, and with ``UNIMPLEMENTED`` where it takes a
        daemon to tell.
        """
        vertices = definition.vertices()
        if not vertices:
            return EMPTY
        steps = {each.digest: each for each in vertices}
        built: dict[tuple[str, int], Tree] = {}
        wanted = [vertices[-1].inputs[0]]
        while wanted:
            vertex = steps[wanted[-1][0]]
            missing = [each for each in vertex.inputs if each not in built]
            if missing and vertex.kind in _DONE and self._given_name(vertex) is None:
                wanted.extend(missing)
                continue
            key = wanted.pop()
            if key not in built:
                built.update(self._build(vertex, built, key[1]))
            if key not in built:
                raise RemoteError(f"operation {key[0]} has no output {key[1]}", code=_UNKNOWN)
        return built[vertices[-1].inputs[0]]

    def _given_name(self, vertex: Vertex) -> str | None:
        """Return the name under which it is said what comes of a step."""
        names = (label(vertex), command(vertex), vertex.digest)
        return next((each for each in names if each in self._outputs), None)

    def _build(self, vertex: Vertex, built: Outputs, index: int) -> Outputs:
        try:
            if (name := self._given_name(vertex)) is not None:
                return {(vertex.digest, index): self._given(vertex, name)}
            match vertex.kind:
                case "source" if vertex.op["identifier"].startswith(LOCAL_SCHEME):
                    return {(vertex.digest, 0): self._local(vertex)}
                case "file":
                    return _file(vertex, built)
                case "merge":
                    return {(vertex.digest, 0): _merge(vertex, built)}
                case "passthrough":
                    return {(vertex.digest, index): _passed(vertex, built, index)}
                case _:
                    raise self._refusal(vertex)
        except NotSimulatedError as error:
            self.unanswered.append(f"{label(vertex)}: {error}")
            raise RemoteError(
                f"the fake daemon cannot tell what {label(vertex)!r} gives: {error}",
                code=_UNIMPLEMENTED,
                hint=f"say it with outputs={{{label(vertex)!r}: {{PATH: CONTENT}}}}",
            ) from error
        except RemoteError as error:
            raise error if error.details else with_step(error, vertex) from error

    def _given(self, vertex: Vertex, name: str) -> Tree:
        made = self._outputs[name]
        if isinstance(made, Failed):
            raise made.error(vertex)
        return Tree.of(made)

    def _refusal(self, vertex: Vertex) -> RemoteError | NotSimulatedError:
        """Return the error of a step that is not done here, an image that there is not included."""
        kind, _, ref = str(vertex.op.get("identifier", "")).partition("://")
        if kind == "docker-image" and not self._images.has(ref):
            return RemoteError(f"failed to load cache key: {ref}: not found", code=_UNKNOWN)
        return NotSimulatedError("a step that only a daemon can do")

    def _local(self, vertex: Vertex) -> Tree:
        attrs = vertex.op.get("attrs", {})
        session = self._session(attrs.get("local.session", ""))
        if session is None:
            raise RemoteError("no active sessions", code=_UNKNOWN)
        chosen = {
            name: json.loads(attrs.get(f"local.{key}", "[]"))
            for name, key in (
                ("include", "includepattern"),
                ("exclude", "excludepatterns"),
                ("follow", "followpaths"),
            )
        }
        try:
            return session.tree(vertex.op["identifier"].removeprefix(LOCAL_SCHEME), **chosen)
        except RemoteError as error:
            raise as_go_tells(error) from error


def _file(vertex: Vertex, built: Outputs) -> Outputs:
    """Return the outputs of file actions, done in order."""
    trees = [built[each] for each in vertex.inputs]
    outputs: dict[tuple[str, int], Tree] = {}
    for action in vertex.op.get("actions", ()):
        base, source = (_input(trees, action.get(key, 0)) for key in ("input", "secondaryInput"))
        trees.append(act(base, source, action))
        if action.get("output", 0) >= 0:
            outputs[vertex.digest, action.get("output", 0)] = trees[-1]
    return outputs


def _merge(vertex: Vertex, built: Outputs) -> Tree:
    merged = EMPTY
    for each in vertex.op.get("inputs", ()):
        merged = merged.with_nodes(built[vertex.inputs[each.get("input", 0)]].nodes)
    return merged


def _passed(vertex: Vertex, built: Outputs, index: int) -> Tree:
    return _input([built[each] for each in vertex.inputs], vertex.op["outputs"][index])


def _input(trees: list[Tree], index: int) -> Tree:
    return EMPTY if index < 0 else trees[index]
