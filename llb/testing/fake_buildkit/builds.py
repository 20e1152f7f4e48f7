"""A build on the fake daemon: the client's request, and the status sent back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from llb import Definition
from llb.arguments.checked import checked
from llb.client import Event, Vertex, VertexLog
from llb.dump import label
from llb.dump.labels import command
from llb.testing.failures import Failed
from llb.testing.fake_buildkit.progress import to_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb._pb import control_pb2 as pb
    from llb.definition.decode import Vertex as Operation
    from llb.errors import RemoteError
    from llb.gateway import Result
    from llb.testing.fake_buildkit.session import ClientSession

_STDERR = 2


class FakeBuild:
    """A build that a client requested.

    It has a ``definition``, or a ``frontend`` with ``frontend_attrs`` and ``inputs``.
    ``exports`` and the caches are pairs of type and attributes. ``session`` is the client's.
    ``result`` is the result of the frontend, which may run in the client's process.
    ``definitions`` are the built trees by platform, or under ``""`` for a single one.
    """

    def __init__(self, ref: str) -> None:
        self.ref = ref
        self.definition: Definition | None = None
        self.frontend = ""
        self.frontend_attrs: dict[str, str] = {}
        self.inputs: dict[str, Definition] = {}
        self.exports: tuple[tuple[str, dict[str, str]], ...] = ()
        self.cache_imports: tuple[tuple[str, dict[str, str]], ...] = ()
        self.cache_exports: tuple[tuple[str, dict[str, str]], ...] = ()
        self.entitlements: tuple[str, ...] = ()
        self.result: Result | None = None
        self.definitions: dict[str, Definition] = {}
        self.error: RemoteError | None = None
        self.created = self.completed = datetime.now(UTC)
        self.begun = threading.Event()
        self._session: ClientSession | None = None
        self._responses: list[pb.StatusResponse] = []
        self._changed = threading.Condition()
        self._is_finished = False

    @property
    def session(self) -> ClientSession:
        """The session of the client. Raises AssertionError if it has none."""
        assert self._session is not None, "the client has no session"
        return self._session

    @property
    def is_finished(self) -> bool:
        """Whether the build has ended."""
        with self._changed:
            return self._is_finished

    def begin(self, request: pb.SolveRequest, session: ClientSession | None) -> None:
        """Record the request. Raises InvalidDefinitionError."""
        if request.HasField("Definition"):
            self.definition = Definition.from_pb(request.Definition)
            self.definitions = {"": self.definition}
        self.frontend = request.Frontend
        self.frontend_attrs = dict(request.FrontendAttrs)
        self.inputs = {
            name: Definition.from_pb(message) for name, message in request.FrontendInputs.items()
        }
        self.exports = tuple((export.Type, dict(export.Attrs)) for export in request.Exporters)
        cache = request.Cache
        self.cache_imports = tuple((entry.Type, dict(entry.Attrs)) for entry in cache.Imports)
        self.cache_exports = tuple((entry.Type, dict(entry.Attrs)) for entry in cache.Exports)
        self.entitlements = tuple(request.Entitlements)
        self._session = session
        self.begun.set()

    @checked
    def show(self, *events: Event) -> None:
        """Send events to the client, in one message."""
        with self._changed:
            self._responses.append(to_response(events))
            self._changed.notify_all()

    def show_steps(self) -> None:
        """Report all steps to the client as completed."""
        now = datetime.now(UTC)
        steps = {
            operation.digest: Vertex(
                digest=operation.digest,
                name=label(operation),
                inputs=tuple(digest for digest, _ in operation.inputs),
                cached=False,
                started=now,
                completed=now,
                error=None,
            )
            for definition in self.definitions.values()
            for operation in definition.vertices()
            if operation.kind is not None
        }
        if steps:
            self.show(*steps.values())

    @checked
    def step(self, name: str) -> Operation:
        """Find a step by its name, command or digest. Raises AssertionError."""
        steps = [
            vertex for definition in self.definitions.values() for vertex in definition.vertices()
        ]
        for step in steps:
            if name in (label(step), command(step), step.digest):
                return step
        labels = ", ".join(repr(label(step)) for step in steps if step.kind is not None)
        raise AssertionError(f"no step {name!r} in the build; its steps: {labels or 'none'}")

    @checked
    def failure(self, name: str, exit_code: int = 1, *, log: str = "") -> RemoteError:
        """Report a failed step and its log to the client, and create the error to raise.

        The error carries a daemon's details: the step, its source locations and exit code.
        """
        step, now = self.step(name), datetime.now(UTC)
        error = Failed(exit_code).error(step)
        self.show(Vertex(step.digest, label(step), (), False, now, now, error.message))  # noqa: FBT003
        if log:
            self.show(VertexLog(step.digest, _STDERR, log.encode(), now))
        return error

    def finish(self, error: RemoteError | None) -> None:
        """End the stream of status messages."""
        with self._changed:
            self.error = error
            self.completed = datetime.now(UTC)
            self._is_finished = True
            self._changed.notify_all()

    def responses(self) -> Iterator[pb.StatusResponse]:
        """Yield the status messages until the build is finished."""
        sent = 0
        while True:
            with self._changed:
                while not (ready := self._responses[sent:]) and not self._is_finished:
                    self._changed.wait()
            if not ready:
                return
            yield from ready
            sent += len(ready)

    def __repr__(self) -> str:
        """Show the reference, and the frontend or definition."""
        return f"<FakeBuild {self.ref} of {self.frontend or self.definition or 'a function'}>"
