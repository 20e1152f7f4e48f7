"""The daemon's progress messages as JSON, in the format of ``buildctl --progress rawjson``.

That format is Go's encoding of ``client.SolveStatus``: empty values are omitted, times have
nanoseconds, and bytes are base64.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, TypeAlias

from llb.client.timestamps import to_time
from llb.control_characters import escape_in_json
from llb.definition.message_dict import plain
from llb.gocompat import json as gojson

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from llb._pb import control_pb2 as pb

Report: TypeAlias = "dict[str, object]"
"""One progress message: ``vertexes``, ``statuses``, ``logs`` and ``warnings``."""


def to_report(response: pb.StatusResponse) -> Report:
    """Convert one message to JSON values, except that bytes stay bytes.

    Raises TransportError for a time outside the calendar.
    """
    return _omit_empty(
        vertexes=[_vertex(vertex) for vertex in response.vertexes],
        statuses=[_status(status) for status in response.statuses],
        logs=[_log(log) for log in response.logs],
        warnings=[_warning(warning) for warning in response.warnings],
    )


def to_line(report: Report) -> str:
    """Encode a report as one line of JSON, without the newline."""
    return escape_in_json(gojson.dumps(report, default=_base64))


def _vertex(vertex: pb.Vertex) -> Report:
    return _omit_empty(
        digest=vertex.digest,
        inputs=list(vertex.inputs),
        name=vertex.name,
        started=_format_time(vertex.started) if vertex.HasField("started") else None,
        completed=_format_time(vertex.completed) if vertex.HasField("completed") else None,
        cached=vertex.cached,
        error=vertex.error,
        progressGroup=plain(vertex.progressGroup) if vertex.HasField("progressGroup") else None,
    )


def _status(status: pb.VertexStatus) -> Report:
    return {
        "id": status.ID,
        **_omit_empty(vertex=status.vertex, name=status.name, total=status.total),
        "current": status.current,
        "timestamp": _format_time(status.timestamp),
        **_omit_empty(
            started=_format_time(status.started) if status.HasField("started") else None,
            completed=_format_time(status.completed) if status.HasField("completed") else None,
        ),
    }


def _log(log: pb.VertexLog) -> Report:
    return {
        **_omit_empty(vertex=log.vertex, stream=log.stream),
        "data": log.msg or None,
        "timestamp": _format_time(log.timestamp),
    }


def _warning(warning: pb.VertexWarning) -> Report:
    return _omit_empty(
        vertex=warning.vertex,
        level=warning.level,
        short=warning.short,
        detail=list(warning.detail),
        url=warning.url,
        sourceInfo=plain(warning.info) if warning.HasField("info") else None,
        range=[plain(range_) for range_ in warning.ranges],
    )


def _omit_empty(**values: object) -> Report:
    """Drop empty values, except messages that are present."""
    return {key: value for key, value in values.items() if value or isinstance(value, dict)}


def _format_time(stamp: Timestamp) -> str:
    """Format a time as in RFC 3339, with only as many decimals as it needs."""
    seconds = to_time(stamp).replace(microsecond=0, tzinfo=None).isoformat()
    fraction = f"{stamp.nanos:09}".rstrip("0")
    return f"{seconds}.{fraction}Z" if fraction else f"{seconds}Z"


def _base64(value: object) -> str:
    assert isinstance(value, bytes)
    return base64.b64encode(value).decode()
