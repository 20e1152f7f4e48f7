"""What a daemon reports of a build as JSON, in the form of ``buildctl --progress rawjson``.

That form is Go's encoding of ``client.SolveStatus``: what is empty is left out, times have
nanoseconds, bytes are base64.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, TypeAlias

from llb.client.progress.events import to_time
from llb.definition.message_dict import plain
from llb.gocompat import json as gojson

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from llb._pb import control_pb2 as pb

Report: TypeAlias = "dict[str, object]"
"""One message of the daemon: ``vertexes``, ``statuses``, ``logs`` and ``warnings``."""


def to_report(response: pb.StatusResponse) -> Report:
    """Return one message as values of JSON, but for bytes.

    Raises TransportError for a time that no calendar has.
    """
    return _set(
        vertexes=[_vertex(each) for each in response.vertexes],
        statuses=[_status(each) for each in response.statuses],
        logs=[_log(each) for each in response.logs],
        warnings=[_warning(each) for each in response.warnings],
    )


def to_line(report: Report) -> str:
    """Return a report as one line of JSON, without its end."""
    return gojson.dumps(report, default=_text)


def _vertex(vertex: pb.Vertex) -> Report:
    return _set(
        digest=vertex.digest,
        inputs=list(vertex.inputs),
        name=vertex.name,
        started=_moment(vertex.started) if vertex.HasField("started") else None,
        completed=_moment(vertex.completed) if vertex.HasField("completed") else None,
        cached=vertex.cached,
        error=vertex.error,
        progressGroup=plain(vertex.progressGroup) if vertex.HasField("progressGroup") else None,
    )


def _status(status: pb.VertexStatus) -> Report:
    return {
        "id": status.ID,
        **_set(vertex=status.vertex, name=status.name, total=status.total),
        "current": status.current,
        "timestamp": _moment(status.timestamp),
        **_set(
            started=_moment(status.started) if status.HasField("started") else None,
            completed=_moment(status.completed) if status.HasField("completed") else None,
        ),
    }


def _log(log: pb.VertexLog) -> Report:
    return {
        **_set(vertex=log.vertex, stream=log.stream),
        "data": log.msg or None,
        "timestamp": _moment(log.timestamp),
    }


def _warning(warning: pb.VertexWarning) -> Report:
    return _set(
        vertex=warning.vertex,
        level=warning.level,
        short=warning.short,
        detail=list(warning.detail),
        url=warning.url,
        sourceInfo=plain(warning.info) if warning.HasField("info") else None,
        range=[plain(each) for each in warning.ranges],
    )


def _set(**values: object) -> Report:
    """Return the values that are not empty; a message that is there counts as not."""
    return {key: value for key, value in values.items() if value or isinstance(value, dict)}


def _moment(stamp: Timestamp) -> str:
    """Return a time as in RFC 3339, with as many digits below a second as it needs."""
    whole = to_time(stamp).replace(microsecond=0, tzinfo=None).isoformat()
    below = f"{stamp.nanos:09}".rstrip("0")
    return f"{whole}.{below}Z" if below else f"{whole}Z"


def _text(value: object) -> str:
    assert isinstance(value, bytes)
    return base64.b64encode(value).decode()
