"""Any status that a daemon reports is decoded to events and lines, or to one error."""

from __future__ import annotations

import io
import json

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import example, given
from hypothesis import strategies as st

from llb._pb import control_pb2 as pb
from llb._pb import ops_pb2
from llb.client.progress.events import Event, from_response
from llb.client.progress.plain import PlainDisplay
from llb.client.progress.raw_reports import to_line, to_report
from llb.client.progress.tty import TtyDisplay
from llb.errors import TransportError

strings = st.text(max_size=4) | st.sampled_from(["a", "\x1b[2J", "\n", "context canceled"])
names = st.sampled_from(["one", "two", ""])
signed = st.integers(-(2**63), 2**63 - 1) | st.integers(-1, 3)
small = st.integers(-(2**31), 2**31 - 1) | st.integers(-1, 3)
times = st.none() | st.builds(
    Timestamp,
    seconds=st.integers(0, 2**31) | st.sampled_from([-62135596800, 253402300799]) | signed,
    nanos=st.integers(0, 999_999_999) | small,
)
groups = st.none() | st.builds(ops_pb2.ProgressGroup, id=names, name=strings, weak=st.booleans())
vertices = st.builds(
    pb.Vertex,
    digest=names,
    inputs=st.lists(names, max_size=2),
    name=strings,
    cached=st.booleans(),
    started=times,
    completed=times,
    error=strings,
    progressGroup=groups,
)
statuses = st.builds(
    pb.VertexStatus,
    ID=strings,
    vertex=names,
    name=strings,
    current=signed,
    total=signed,
    timestamp=times,
    started=times,
    completed=times,
)
logs = st.builds(
    pb.VertexLog,
    vertex=names,
    timestamp=times,
    stream=signed,
    msg=st.binary(max_size=8) | st.sampled_from([b"x\n", b"\r", b"\xff\n"]),
)
positions = st.builds(ops_pb2.Position, line=small, character=small)
warnings = st.builds(
    pb.VertexWarning,
    vertex=names,
    level=signed,
    short=st.binary(max_size=4),
    detail=st.lists(st.binary(max_size=4), max_size=2),
    url=strings,
    info=st.none() | st.builds(ops_pb2.SourceInfo, filename=strings, data=st.binary(max_size=4)),
    ranges=st.lists(st.builds(ops_pb2.Range, start=positions, end=positions), max_size=2),
)
responses = st.builds(
    pb.StatusResponse,
    vertexes=st.lists(vertices, max_size=3),
    statuses=st.lists(statuses, max_size=3),
    logs=st.lists(logs, max_size=3),
    warnings=st.lists(warnings, max_size=2),
)


@pytest.mark.feature("Q2")
@example(pb.StatusResponse(vertexes=[pb.Vertex(progressGroup=ops_pb2.ProgressGroup(name="\0"))]))
@given(responses)
def test_a_message_becomes_an_event_for_each_part_or_one_error(
    response: pb.StatusResponse,
) -> None:
    try:
        events = list(from_response(response))
    except TransportError as error:
        assert error.message.startswith("invalid time from the daemon: ")  # noqa: PT017 - either outcome is right
        return
    active = {status.vertex for status in response.statuses}
    active |= {log.vertex for log in response.logs}
    # A step that ended and has output has two events: its start and its end.
    completed = [vertex for vertex in response.vertexes if vertex.HasField("completed")]
    steps = len(response.vertexes) + len(
        [vertex for vertex in completed if vertex.digest in active]
    )
    parts = len(response.statuses) + len(response.logs) + len(response.warnings)
    assert len(events) == steps + parts


@given(responses)
def test_a_message_becomes_a_line_of_json_or_one_error(response: pb.StatusResponse) -> None:
    try:
        line = to_line(to_report(response))
    except TransportError as error:
        assert error.message.startswith("invalid time from the daemon: ")  # noqa: PT017 - either outcome is right
        return
    assert "\n" not in line
    assert set(json.loads(line)) <= {"vertexes", "statuses", "logs", "warnings"}


def events_of(received: list[pb.StatusResponse]) -> list[Event]:
    events: list[Event] = []
    for response in received:
        try:
            events += from_response(response)
        except TransportError:
            break
    return events


@pytest.mark.parametrize("display", [PlainDisplay, TtyDisplay])
@given(st.lists(responses, max_size=3))
def test_a_display_shows_every_event(
    display: type[PlainDisplay | TtyDisplay], received: list[pb.StatusResponse]
) -> None:
    stream = io.StringIO()
    with display(stream) as shown:
        for event in events_of(received):
            shown(event)


def test_a_time_is_formatted_as_in_go() -> None:
    log = pb.VertexLog(timestamp=Timestamp(seconds=-62135596800, nanos=120))
    line = to_line(to_report(pb.StatusResponse(logs=[log])))
    assert line == '{"logs":[{"data":null,"timestamp":"0001-01-01T00:00:00.00000012Z"}]}'
