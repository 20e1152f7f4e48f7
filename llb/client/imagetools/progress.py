"""Progress of a push, as the messages with which a BuildKit reports a step."""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llb._pb import control_pb2 as pb
from llb.client.progress.events import from_response
from llb.client.progress.raw_reports import to_report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.timestamp_pb2 import Timestamp

    from llb.client.progress.events import Event
    from llb.client.progress.raw_reports import Report

_STDOUT = 1


class Progress:
    """Passes the messages to functions of the caller, as a build does."""

    def __init__(
        self,
        on_event: Callable[[Event], None] | None = None,
        on_report: Callable[[Report], None] | None = None,
    ) -> None:
        self._on_event = on_event
        self._on_report = on_report

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Show a step that lasts as long as the block; the value is a function that logs a line."""
        digest = f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
        started = _now()

        def show(error: str = "", completed: Timestamp | None = None) -> None:
            vertex = pb.Vertex(
                digest=digest, name=name, started=started, completed=completed, error=error
            )
            self._pass_on(pb.StatusResponse(vertexes=[vertex]))

        def log(line: str) -> None:
            entry = pb.VertexLog(
                vertex=digest, stream=_STDOUT, msg=f"{line}\n".encode(), timestamp=_now()
            )
            self._pass_on(pb.StatusResponse(logs=[entry]))

        show()
        try:
            yield log
        except BaseException as error:
            show(str(getattr(error, "message", error)), _now())
            raise
        show(completed=_now())

    def _pass_on(self, response: pb.StatusResponse) -> None:
        if self._on_report is not None:
            self._on_report(to_report(response))
        if self._on_event is not None:
            for event in from_response(response):
                self._on_event(event)


def _now() -> Timestamp:
    vertex = pb.Vertex()
    vertex.started.FromNanoseconds(time.time_ns())
    return vertex.started
