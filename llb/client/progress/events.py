"""Progress events of a build, decoded from the stream of ``Control.Status``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from attrs import evolve, frozen

from llb import ProgressGroup
from llb.errors import Span, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.timestamp_pb2 import Timestamp

    from llb._pb import control_pb2, ops_pb2


@frozen
class Vertex:
    """A step and its state; an event is sent whenever the state changes.

    ``digest`` is the digest of the step's operation. ``error`` is set if it failed, ``group`` if
    it is one of several steps that are shown as one.
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
    """Progress of a part of a step: ``current`` of ``total``, usually in bytes; 0 if unknown."""

    id: str
    vertex: str
    name: str
    current: int
    total: int
    started: datetime | None
    completed: datetime | None


@frozen
class VertexLog:
    """Output of a step: ``stream`` is 1 (stdout) or 2 (stderr), ``data`` are arbitrary bytes."""

    vertex: str
    stream: int
    data: bytes
    timestamp: datetime | None


@frozen
class VertexWarning:
    """A warning about a step, with the source lines it refers to."""

    vertex: str
    level: int
    short: str
    detail: tuple[str, ...]
    url: str | None
    span: Span | None


Event: TypeAlias = Vertex | VertexStatus | VertexLog | VertexWarning
"""Something that happens in a build."""


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


def to_time(stamp: Timestamp) -> datetime:
    """Convert a timestamp, to the microsecond; raises TransportError outside the calendar."""
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except ValueError as error:
        reason = f"{stamp.seconds} seconds and {stamp.nanos} nanoseconds"
        raise TransportError(f"invalid time from the daemon: {reason}") from error
