"""Events of several builds for one display: each step is named with its target."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from attrs import evolve

from llb.client.progress.events import (
    Event,
    Vertex,
    VertexLog,
    VertexStatus,
    VertexWarning,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class SharedDisplay:
    """Passes the events of several builds to one function, one after another."""

    def __init__(self, on_event: Callable[[Event], None], *, names: bool) -> None:
        self._on_event = on_event
        self._names = names
        self._lock = threading.Lock()

    def of(self, target: str) -> Callable[[Event], None]:
        """Create the function for the events of one target."""

        def show(event: Event) -> None:
            named = with_target(event, target) if self._names else event
            with self._lock:
                self._on_event(named)

        return show


def with_target(event: Event, target: str) -> Event:
    """Name the step of an event with its target; steps of other targets have other digests."""
    match event:
        case Vertex():
            return evolve(
                event,
                name=_named(event.name, target),
                digest=_digest(event.digest, target),
                inputs=tuple(_digest(each, target) for each in event.inputs),
            )
        case VertexStatus() | VertexLog() | VertexWarning():
            return evolve(event, vertex=_digest(event.vertex, target))


def _named(name: str, target: str) -> str:
    """Format a name as buildx does.

    >>> _named("[1/2] RUN make", "app"), _named("exporting", "app")
    ('[app 1/2] RUN make', '[app] exporting')
    """
    return f"[{target} {name[1:]}" if name.startswith("[") else f"[{target}] {name}"


def _digest(digest: str, target: str) -> str:
    return f"{digest}:{target}"
