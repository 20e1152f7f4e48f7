"""Encode build events as messages of ``Control.Status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb._pb import control_pb2 as pb
from llb._pb import ops_pb2
from llb.client import Event, Vertex, VertexLog, VertexStatus, VertexWarning

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from google.protobuf.timestamp_pb2 import Timestamp

    from llb.errors import Span


def to_response(events: Iterable[Event]) -> pb.StatusResponse:
    """Encode events in one message."""
    response = pb.StatusResponse()
    for event in events:
        match event:
            case Vertex():
                _add_vertex(response, event)
            case VertexStatus():
                _add_status(response, event)
            case VertexLog():
                log = response.logs.add(vertex=event.vertex, stream=event.stream, msg=event.data)
                _set(log.timestamp, event.timestamp)
            case VertexWarning():
                _add_warning(response, event)
    return response


def _add_vertex(response: pb.StatusResponse, event: Vertex) -> None:
    vertex = response.vertexes.add(
        digest=event.digest,
        name=event.name,
        inputs=event.inputs,
        cached=event.cached,
        error=event.error or "",
    )
    _set(vertex.started, event.started)
    _set(vertex.completed, event.completed)
    if (group := event.group) is not None:
        vertex.progressGroup.CopyFrom(
            ops_pb2.ProgressGroup(id=group.id, name=group.name, weak=group.weak)
        )


def _add_status(response: pb.StatusResponse, event: VertexStatus) -> None:
    status = response.statuses.add(
        ID=event.id,
        vertex=event.vertex,
        name=event.name,
        current=event.current,
        total=event.total,
    )
    _set(status.started, event.started)
    _set(status.completed, event.completed)


def _add_warning(response: pb.StatusResponse, event: VertexWarning) -> None:
    warning = response.warnings.add(
        vertex=event.vertex,
        level=event.level,
        short=event.short.encode(),
        detail=[line.encode() for line in event.detail],
        url=event.url or "",
    )
    if event.span is not None:
        _add_location(warning, event.span)


def _add_location(warning: pb.VertexWarning, span: Span) -> None:
    warning.info.filename, warning.info.data = span.filename, span.text.encode()
    source_range = warning.ranges.add()
    source_range.start.line, source_range.end.line = span.line, span.end_line or span.line


def _set(stamp: Timestamp, moment: datetime | None) -> None:
    """Set a timestamp; an unknown time leaves the field unset."""
    if moment is not None:
        stamp.FromDatetime(moment)
