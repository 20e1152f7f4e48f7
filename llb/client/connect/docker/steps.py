"""Progress of Docker's pulls and pushes, as the messages with which a BuildKit reports steps."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from llb._pb import control_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from google.protobuf.timestamp_pb2 import Timestamp

# The states of a layer that take time, and those that end it.
_ACTIVE = ("Pushing", "Downloading", "Extracting")
_ENDS = {
    "Pushed": "pushing",
    "Download complete": "downloading",
    "Pull complete": "extracting",
}
_EXISTS = ("Layer already exists", "Already exists", "Mounted from")


class Step:
    """A step that shows the messages of a pull or push; ``report`` is called with its progress.

    ``digest`` identifies the step, as the digest of its operation would.
    """

    def __init__(self, name: str, report: Callable[[pb.StatusResponse], None]) -> None:
        self.name = name
        self.digest = f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
        self._report = report
        self._started: dict[str, Timestamp] = {}
        self._active: dict[str, pb.VertexStatus] = {}
        self._begun = _now()

    def follow(self, messages: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Show messages as they arrive, and return what they have as ``aux``.

        The step fails with the exception that ends the messages, which is raised.
        """
        extra = []
        self._show_step()
        try:
            for message in messages:
                self._show(message)
                if isinstance(message.get("aux"), dict):
                    extra.append(message["aux"])
        except BaseException as error:
            self._show_step(completed=_now(), error=str(getattr(error, "message", error)))
            raise
        self._show_step(completed=_now())
        return extra

    def _show_step(self, *, completed: Timestamp | None = None, error: str = "") -> None:
        vertex = pb.Vertex(
            digest=self.digest,
            name=self.name,
            started=self._begun,
            completed=completed,
            error=error,
        )
        self._report(pb.StatusResponse(vertexes=[vertex]))

    def _show(self, message: Mapping[str, Any]) -> None:
        """Show the state of a layer; messages about the whole image say nothing more."""
        layer, state = str(message.get("id") or ""), str(message.get("status") or "")
        detail = message.get("progressDetail")
        if state in _ACTIVE:
            status = self._status(f"{state.lower()} layer {layer}")
            if isinstance(detail, dict):
                status.current = _number(detail.get("current"))
                status.total = _number(detail.get("total"))
            if layer in self._active and self._active[layer].ID != status.ID:
                self._end(layer)
            self._active[layer] = status
            self._report(pb.StatusResponse(statuses=[status]))
        elif state in _ENDS:
            # What takes a moment may have no other message.
            self._active.setdefault(layer, self._status(f"{_ENDS[state]} layer {layer}"))
            self._end(layer)
        elif state.startswith(_EXISTS):
            self._active[layer] = self._status(f"layer {layer} exists")
            self._end(layer)

    def _status(self, name: str) -> pb.VertexStatus:
        started = self._started.setdefault(name, _now())
        return pb.VertexStatus(
            ID=name, name=name, vertex=self.digest, timestamp=_now(), started=started
        )

    def _end(self, layer: str) -> None:
        """Show that what is done with a layer is complete."""
        status = self._active.pop(layer, None)
        if status is not None:
            status.current = status.total or status.current
            status.completed.CopyFrom(_now())
            self._report(pb.StatusResponse(statuses=[status]))


def _now() -> Timestamp:
    vertex = pb.Vertex()
    vertex.started.FromNanoseconds(time.time_ns())
    return vertex.started


def _number(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**63 else 0
