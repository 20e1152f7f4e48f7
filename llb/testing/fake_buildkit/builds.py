"""A build as a daemon has it: what a client asked for, and what the client is told."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from llb import Definition
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

_ERRORS = 2


class FakeBuild:
    """A build that a client asked for.

    ``definition`` or ``frontend`` with its ``frontend_attrs`` and ``inputs`` is what is built,
    ``exports`` and the caches are pairs of type and attributes. ``session`` is the client's.
    Where a frontend answered, one of the client's process included, ``result`` is what it
    returned. ``definitions`` are the trees that are built, by platform, ``""`` for an only one.
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
        self._is_over = False

    @property
    def session(self) -> ClientSession:
        """The session of the client. Raises AssertionError where it has none."""
        assert self._session is not None, "the client has no session"
        return self._session

    def begin(self, request: pb.SolveRequest, session: ClientSession | None) -> None:
        """Take what is asked for. Raises InvalidDefinitionError."""
        if request.HasField("Definition"):
            self.definition = Definition.from_pb(request.Definition)
            self.definitions = {"": self.definition}
        self.frontend = request.Frontend
        self.frontend_attrs = dict(request.FrontendAttrs)
        self.inputs = {
            name: Definition.from_pb(each) for name, each in request.FrontendInputs.items()
        }
        self.exports = tuple((each.Type, dict(each.Attrs)) for each in request.Exporters)
        cache = request.Cache
        self.cache_imports = tuple((each.Type, dict(each.Attrs)) for each in cache.Imports)
        self.cache_exports = tuple((each.Type, dict(each.Attrs)) for each in cache.Exports)
        self.entitlements = tuple(request.Entitlements)
        self._session = session
        self.begun.set()

    def show(self, *events: Event) -> None:
        """Tell the client of events, in one message."""
        with self._changed:
            self._responses.append(to_response(events))
            self._changed.notify_all()

    def show_steps(self) -> None:
        """Tell the client that all steps are done."""
        now = datetime.now(UTC)
        steps = {
            each.digest: Vertex(
                digest=each.digest,
                name=label(each),
                inputs=tuple(digest for digest, _ in each.inputs),
                cached=False,
                started=now,
                completed=now,
                error=None,
            )
            for definition in self.definitions.values()
            for each in definition.vertices()
            if each.kind is not None
        }
        if steps:
            self.show(*steps.values())

    def step(self, name: str) -> Operation:
        """Return a step by its name, what it does, or its digest; raises AssertionError."""
        steps = [each for found in self.definitions.values() for each in found.vertices()]
        for each in steps:
            if name in (label(each), command(each), each.digest):
                return each
        known = ", ".join(repr(label(each)) for each in steps if each.kind is not None)
        raise AssertionError(f"no step {name!r} in the build; there are {known or 'none'}")

    def failure(self, name: str, exit_code: int = 1, *, log: str = "") -> RemoteError:
        """Return the error of a step that fails, to be raised; the client is told its output.

        The error carries the details that a daemon sends: the step, its lines, the exit code.
        """
        step, now = self.step(name), datetime.now(UTC)
        error = Failed(exit_code).error(step)
        self.show(Vertex(step.digest, label(step), (), False, now, now, error.message))  # noqa: FBT003
        if log:
            self.show(VertexLog(step.digest, _ERRORS, log.encode(), now))
        return error

    def finish(self, error: RemoteError | None) -> None:
        """End the stream of events."""
        with self._changed:
            self.error = error
            self.completed = datetime.now(UTC)
            self._is_over = True
            self._changed.notify_all()

    def responses(self) -> Iterator[pb.StatusResponse]:
        """Yield what there is to tell, until the build is over."""
        told = 0
        while True:
            with self._changed:
                while not (ready := self._responses[told:]) and not self._is_over:
                    self._changed.wait()
            if not ready:
                return
            yield from ready
            told += len(ready)

    def __repr__(self) -> str:
        """Return its name and what is built."""
        return f"<FakeBuild {self.ref} of {self.frontend or self.definition or 'a function'}>"
