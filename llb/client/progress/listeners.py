"""Combine listeners of events, and share one among several builds."""

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

    from llb.client.progress.raw_reports import Report


def both(
    first: Callable[[Event], None] | None, second: Callable[[Event], None] | None
) -> Callable[[Event], None] | None:
    """Combine two listeners."""
    if first is None or second is None:
        return first or second

    def call(event: Event) -> None:
        first(event)
        second(event)

    return call


class SharedDisplay:
    """Passes the events of several builds to one function, one after another."""

    def __init__(self, on_event: Callable[[Event], None], *, names: bool) -> None:
        self._on_event = on_event
        self._names = names
        self._lock = threading.Lock()

    def of(self, build: str) -> Callable[[Event], None]:
        """Create the function for the events of one build."""

        def show(event: Event) -> None:
            named = with_name(event, build) if self._names else event
            with self._lock:
                self._on_event(named)

        return show


class SharedReports:
    """Passes the reports of several builds to one function, one after another."""

    def __init__(self, on_report: Callable[[Report], None]) -> None:
        self._on_report = on_report
        self._lock = threading.Lock()

    def of(self, build: str) -> Callable[[Report], None]:
        """Create the function for the reports of one build, whose steps are named with it."""

        def show(report: Report) -> None:
            vertexes = report.get("vertexes")
            if isinstance(vertexes, list):
                named = [{**step, "name": _named(step.get("name", ""), build)} for step in vertexes]
                report = {**report, "vertexes": named}
            with self._lock:
                self._on_report(report)

        return show


def with_name(event: Event, build: str) -> Event:
    """Name the step of an event with its build; steps of other builds have other digests."""
    match event:
        case Vertex():
            return evolve(
                event,
                name=_named(event.name, build),
                digest=_digest(event.digest, build),
                inputs=tuple(_digest(digest, build) for digest in event.inputs),
            )
        case VertexStatus() | VertexLog() | VertexWarning():
            return evolve(event, vertex=_digest(event.vertex, build))


def _named(name: str, build: str) -> str:
    """Format a name as buildx does for the targets of a bake file.

    >>> _named("[1/2] RUN make", "app"), _named("exporting", "app")
    ('[app 1/2] RUN make', '[app] exporting')
    """
    return f"[{build} {name[1:]}" if name.startswith("[") else f"[{build}] {name}"


def _digest(digest: str, build: str) -> str:
    return f"{digest}:{build}"
