"""Progress events of a build, decoded from the stream of ``Control.Status``."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from attrs import evolve, frozen

from llb import ProgressGroup
from llb.client.timestamps import to_time
from llb.errors import Span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from llb._pb import control_pb2, ops_pb2


@frozen
class Vertex:
    """A step and its state; an event is sent when it starts, when it ends, and if it is cached.

    ``digest`` is the digest of the step's operation, and ``inputs`` are the digests of the steps
    that it depends on. ``started`` and ``completed`` are times in UTC, and None before the step
    starts or ends. ``cached`` is whether the step did not run, because its result was there.
    ``error`` is the message of a failed step, otherwise None. ``group`` is set if a display shows
    the step together with others.
    """

    digest: str
    name: str
    inputs: tuple[str, ...]
    cached: bool
    started: datetime | None
    completed: datetime | None
    error: str | None
    group: ProgressGroup | None = None

    @property
    def canceled(self) -> bool:
        """Whether the step was stopped because the build ended, rather than failed."""
        return self.error is not None and self.error.endswith("context canceled")


@frozen
class VertexStatus:
    """Progress of a part of a step, such as a layer that is pulled.

    ``vertex`` is the digest of the step, and ``id`` names the part. ``current`` and ``total`` are
    usually bytes; ``total`` is 0 if it is unknown. ``started`` and ``completed`` are times in UTC,
    or None.
    """

    id: str
    vertex: str
    name: str
    current: int
    total: int
    started: datetime | None
    completed: datetime | None


@frozen
class VertexLog:
    """Output of a step, in pieces of any size, not in lines.

    ``vertex`` is the digest of the step, ``stream`` is 1 (stdout) or 2 (stderr), ``data`` is what
    the process wrote, and ``timestamp`` is its time in UTC, or None.
    """

    vertex: str
    stream: int
    data: bytes
    timestamp: datetime | None


@frozen
class VertexWarning:
    """A warning about a step.

    ``vertex`` is the digest of the step. ``short`` is the message in one line, ``detail`` has more
    lines, and ``url`` is a page about it, or None. ``span`` are the lines of the Dockerfile or build
    file, or None. ``level`` is a number of BuildKit's frontends.
    """

    vertex: str
    level: int
    short: str
    detail: tuple[str, ...]
    url: str | None
    span: Span | None


Event: TypeAlias = Vertex | VertexStatus | VertexLog | VertexWarning
"""Something that happens in a build: a step, its progress, its output, or a warning."""


def from_response(response: control_pb2.StatusResponse) -> Iterator[Event]:
    """Yield the events of one message: steps, then their output, then the ends of these steps.

    Raises TransportError for a time outside the calendar.
    """
    with_output = {status.vertex for status in response.statuses}
    with_output |= {log.vertex for log in response.logs}
    ended = []
    for message in response.vertexes:
        vertex = _vertex(message)
        if vertex.completed is not None and vertex.digest in with_output:
            ended.append(vertex)
            vertex = evolve(vertex, completed=None, error=None)
        yield vertex
    for status in response.statuses:
        yield VertexStatus(
            id=status.ID,
            vertex=status.vertex,
            name=status.name or status.ID,
            current=status.current,
            total=status.total,
            started=to_time(status.started) if status.HasField("started") else None,
            completed=to_time(status.completed) if status.HasField("completed") else None,
        )
    for log in response.logs:
        yield VertexLog(log.vertex, log.stream, log.msg, to_time(log.timestamp))
    for warning in response.warnings:
        yield VertexWarning(
            vertex=warning.vertex,
            level=warning.level,
            short=warning.short.decode(errors="replace"),
            detail=tuple(line.decode(errors="replace") for line in warning.detail),
            url=warning.url or None,
            span=span_of(warning.info, list(warning.ranges)),
        )
    yield from ended


def _vertex(vertex: control_pb2.Vertex) -> Vertex:
    return Vertex(
        digest=vertex.digest,
        name=vertex.name,
        inputs=tuple(vertex.inputs),
        cached=vertex.cached,
        started=to_time(vertex.started) if vertex.HasField("started") else None,
        completed=to_time(vertex.completed) if vertex.HasField("completed") else None,
        error=vertex.error or None,
        group=_group(vertex.progressGroup) if vertex.HasField("progressGroup") else None,
    )


def span_of(info: ops_pb2.SourceInfo, ranges: list[ops_pb2.Range]) -> Span | None:
    """Build the span of source lines that ranges cover, None without a file or ranges."""
    if not info.filename or not ranges:
        return None
    return Span(
        filename=info.filename,
        text=info.data.decode(errors="replace"),
        line=min(range_.start.line for range_ in ranges),
        end_line=max(max(range_.end.line, range_.start.line) for range_ in ranges),
    )


def _group(group: ops_pb2.ProgressGroup) -> ProgressGroup:
    return ProgressGroup(group.id, group.name, group.weak)
