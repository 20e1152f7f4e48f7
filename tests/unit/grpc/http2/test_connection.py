"""The connection as a state machine: two connected ones, or one with crafted frames."""

from __future__ import annotations

import pytest
from attrs import evolve

from llb.grpc.http2 import frames
from llb.grpc.http2.connection import Connection
from llb.grpc.http2.events import (
    DataReceived,
    Event,
    GoAwayReceived,
    HeadersReceived,
    Limits,
    StreamReset,
)
from llb.grpc.http2.frames import ErrorCode, FrameReader, ProtocolError

REQUEST = ((":method", "POST"), (":path", "/s/m"))
RESPONSE = ((":status", "200"),)
TRAILERS = (("grpc-status", "0"),)


def output(connection: Connection) -> bytes:
    pieces = []
    while batch := connection.take_output(2**16):
        pieces += batch
    return b"".join(pieces)


def sent(connection: Connection) -> list[tuple[int, int, int, int]]:
    """List kind, flags, stream and size of the waiting frames, without a preface."""
    reader = FrameReader(frame_limit=2**24, held_limit=2**24)
    data = output(connection).removeprefix(frames.PREFACE)
    return [(f.kind, f.flags, f.stream_id, f.size) for f in reader.feed(data)]


def plain(events: list[Event]) -> list[Event]:
    """Convert the views in events to bytes, so that events compare."""
    return [
        evolve(event, data=bytes(event.data)) if isinstance(event, DataReceived) else event  # type: ignore[arg-type]
        for event in events
    ]


def connect(
    client_limits: Limits | None = None, server_limits: Limits | None = None
) -> tuple[Connection, Connection]:
    """Connect a client and a server that know each other's settings."""
    client = Connection(client=True, limits=client_limits or Limits())
    server = Connection(client=False, limits=server_limits or Limits())
    server.receive(output(client))
    client.receive(output(server))
    server.receive(output(client))
    return client, server


def test_a_call_goes_there_and_back() -> None:
    client, server = connect()
    number = client.open_stream(REQUEST)
    client.send_data(number, b"ques", b"tion")
    client.end_stream(number)
    assert plain(server.receive(output(client))) == [
        HeadersReceived(1, REQUEST, end=False),
        DataReceived(1, b"question", end=True),  # type: ignore[arg-type]
    ]
    server.send_headers(1, RESPONSE)
    server.send_data(1, b"answer")
    server.end_stream(1, TRAILERS)
    assert plain(client.receive(output(server))) == [
        HeadersReceived(1, RESPONSE, end=False),
        DataReceived(1, b"answer", end=False),  # type: ignore[arg-type]
        HeadersReceived(1, TRAILERS, end=True),
    ]
    assert (output(client), output(server)) == (b"", b"")


def test_streams_of_a_client_have_odd_numbers_in_order() -> None:
    client, _ = connect()
    assert [client.open_stream(REQUEST) for _ in range(3)] == [1, 3, 5]


def test_small_pieces_share_a_frame() -> None:
    client, _ = connect()
    client.open_stream(REQUEST)
    output(client)
    for _ in range(100):
        client.send_data(1, b"x" * 5, b"y" * 100)
    assert sent(client) == [(frames.DATA, 0, 1, 10_500)]


def test_large_pieces_are_cut_to_the_frame_size_of_the_peer() -> None:
    client, _ = connect(server_limits=Limits(frame_size=20_000))
    client.open_stream(REQUEST)
    output(client)
    client.send_data(1, bytes(50_000))
    client.end_stream(1)
    assert sent(client) == [
        (frames.DATA, 0, 1, 20_000),
        (frames.DATA, 0, 1, 20_000),
        (frames.DATA, frames.END_STREAM, 1, 10_000),
    ]


def test_streams_take_turns() -> None:
    client, _ = connect(server_limits=Limits(frame_size=2**16))
    for _ in range(2):
        client.send_data(client.open_stream(REQUEST), bytes(2**17))
    turns = [stream_id for kind, _, stream_id, _ in sent(client) if kind == frames.DATA]
    assert turns == [1, 3, 1, 3]


def test_a_stream_sends_no_more_than_its_window() -> None:
    client, server = connect(server_limits=Limits(stream_window=100_000))
    client.open_stream(REQUEST)
    client.send_data(1, bytes(150_000))
    server.receive(output(client))
    assert client.waiting(1) == 50_000
    server.consumed(1, 60_000)
    client.receive(output(server))
    server.receive(output(client))
    assert client.waiting(1) == 0


def test_a_connection_sends_no_more_than_its_window() -> None:
    client, server = connect(server_limits=Limits(connection_window=100_000))
    for _ in range(2):
        client.send_data(client.open_stream(REQUEST), bytes(80_000))
    server.receive(output(client))
    assert client.waiting(1) + client.waiting(3) == 60_000
    assert not client.has_output
    server.consumed(1, 70_000)
    client.receive(output(server))
    server.receive(output(client))
    assert client.waiting(1) + client.waiting(3) == 0


def test_an_end_of_stream_needs_no_window() -> None:
    client, server = connect(server_limits=Limits(stream_window=10))
    client.open_stream(REQUEST)
    client.send_data(1, bytes(10))
    server.receive(output(client))
    client.end_stream(1)
    assert sent(client) == [(frames.DATA, frames.END_STREAM, 1, 0)]


def test_windows_are_updated_in_halves() -> None:
    client, server = connect(server_limits=Limits(stream_window=1000, connection_window=100_000))
    client.open_stream(REQUEST)
    client.send_data(1, bytes(1000))
    server.receive(output(client))
    server.consumed(1, 499)
    assert sent(server) == []
    server.consumed(1, 1)
    assert sent(server) == [(frames.WINDOW_UPDATE, 0, 1, 4)]


def test_a_change_of_the_initial_window_changes_open_streams() -> None:
    client, _ = connect(server_limits=Limits(stream_window=100))
    client.open_stream(REQUEST)
    client.send_data(1, bytes(250))
    client.receive(frames.settings([(frames.INITIAL_WINDOW_SIZE, 200)]))
    output(client)
    assert client.waiting(1) == 50
    client.receive(frames.settings([(frames.INITIAL_WINDOW_SIZE, 100)]))
    client.receive(frames.window_update(1, 100))
    output(client)
    assert client.waiting(1) == 50
    client.receive(frames.window_update(1, 50))
    output(client)
    assert client.waiting(1) == 0


def test_headers_longer_than_a_frame_arrive() -> None:
    client, server = connect()
    headers = (*REQUEST, ("long", "ab" * 40_000))
    client.open_stream(headers)
    assert server.receive(output(client)) == [HeadersReceived(1, headers, end=False)]


def test_a_reset_ends_a_stream_on_both_sides() -> None:
    client, server = connect()
    client.open_stream(REQUEST)
    client.send_data(1, bytes(10))
    server.receive(output(client))
    client.reset(1, ErrorCode.CANCEL)
    expected: list[Event] = [StreamReset(1, ErrorCode.CANCEL)]
    assert server.receive(output(client)) == expected
    server.send_data(1, b"late")
    server.end_stream(1, TRAILERS)
    assert not server.has_output


def test_data_for_a_stream_after_its_reset_is_dropped() -> None:
    client, server = connect(client_limits=Limits(connection_window=100_000))
    client.open_stream(REQUEST)
    server.receive(output(client))
    server.send_headers(1, RESPONSE)
    server.send_data(1, bytes(60_000))
    server.end_stream(1, TRAILERS)
    client.reset(1, ErrorCode.CANCEL)
    assert client.receive(output(server)) == []
    assert sent(client) == [(frames.RST_STREAM, 0, 1, 4), (frames.WINDOW_UPDATE, 0, 0, 4)]


def test_a_response_before_the_end_of_the_request_stops_the_request() -> None:
    client, server = connect()
    client.open_stream(REQUEST)
    server.receive(output(client))
    server.end_stream(1, RESPONSE + TRAILERS)
    assert [(kind, stream_id) for kind, _, stream_id, _ in sent(server)] == [
        (frames.HEADERS, 1),
        (frames.RST_STREAM, 1),
    ]


def test_can_open_respects_the_limit_of_the_peer() -> None:
    client, server = connect(server_limits=Limits(streams=1))
    could = [client.can_open]
    client.open_stream(REQUEST)
    could.append(client.can_open)
    client.end_stream(1)
    server.receive(output(client))
    server.end_stream(1, RESPONSE + TRAILERS)
    client.receive(output(server))
    could.append(client.can_open)
    assert could == [True, False, True]


def test_a_stream_above_the_limit_is_refused() -> None:
    client, server = connect(server_limits=Limits(streams=1))
    client.open_stream(REQUEST)
    client.open_stream(REQUEST)
    assert len(server.receive(output(client))) == 1
    expected: list[Event] = [StreamReset(3, ErrorCode.REFUSED_STREAM)]
    assert client.receive(output(server)) == expected


def test_pings_and_settings_are_answered() -> None:
    client, _ = connect()
    client.receive(frames.header(frames.PING, 0, 0, 8) + b"12345678" + frames.settings([]))
    assert output(client) == (
        frames.header(frames.PING, frames.ACK, 0, 8) + b"12345678" + frames.SETTINGS_ACK
    )


def test_a_client_learns_the_last_stream_of_a_leaving_server() -> None:
    client, _ = connect()
    client.open_stream(REQUEST)
    expected: list[Event] = [GoAwayReceived(0, ErrorCode.NO_ERROR, "")]
    assert client.receive(frames.goaway(0, ErrorCode.NO_ERROR)) == expected


def test_unknown_frames_and_settings_are_ignored() -> None:
    client, _ = connect()
    unknown = frames.header(0x42, 0, 9, 3) + b"abc"
    priority = frames.header(frames.PRIORITY, 0, 1, 5) + bytes(5)
    assert client.receive(unknown + priority + frames.settings([(0x99, 1)])) == []


def test_a_smaller_header_table_of_the_peer_is_respected() -> None:
    client, server = connect()
    client.receive(frames.settings([(frames.HEADER_TABLE_SIZE, 0)]))
    for number in (1, 3):
        client.open_stream(REQUEST)
        assert server.receive(output(client)) == [HeadersReceived(number, REQUEST, end=False)]


def test_only_the_smallest_and_the_last_size_of_a_header_table_are_kept() -> None:
    client, server = connect()
    for size in (4096, 0, 100, 200) * 1000:
        client.receive(frames.settings([(frames.HEADER_TABLE_SIZE, size)]))
        output(client)
    client.open_stream(REQUEST)
    sent = output(client)
    assert len(sent) < 200
    assert server.receive(sent) == [HeadersReceived(1, REQUEST, end=False)]


@pytest.fixture
def pair() -> tuple[Connection, Connection]:
    """A client and a server that know each other's settings."""
    client = Connection(client=True, limits=Limits())
    server = Connection(client=False, limits=Limits())
    server.receive(output(client))
    client.receive(output(server))
    server.receive(output(client))
    return client, server


FRAMES = {
    "a window": lambda stream: frames.window_update(stream, 1),
    "a reset": lambda stream: frames.rst_stream(stream, ErrorCode.CANCEL),
    "data": lambda stream: bytes([0, 0, 0, frames.DATA, 0, *stream.to_bytes(4, "big")]),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_on_the_next_stream_of_a_client_is_refused(
    pair: tuple[Connection, Connection], kind: str
) -> None:
    client, _ = pair
    client.open_stream(REQUEST)
    with pytest.raises(ProtocolError, match=r"^stream 3 was never opened$") as caught:
        client.receive(FRAMES[kind](3))
    assert caught.value.code is ErrorCode.PROTOCOL_ERROR


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_on_the_last_stream_of_a_client_is_accepted(
    pair: tuple[Connection, Connection], kind: str
) -> None:
    client, _ = pair
    client.open_stream(REQUEST)
    client.reset(1, ErrorCode.CANCEL)
    assert client.receive(FRAMES[kind](1)) == []


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_on_the_next_stream_of_a_peer_is_refused_by_a_server(
    pair: tuple[Connection, Connection], kind: str
) -> None:
    client, server = pair
    client.open_stream(REQUEST)
    server.receive(output(client))
    server.reset(1, ErrorCode.CANCEL)
    assert server.receive(FRAMES[kind](1)) == []
    with pytest.raises(ProtocolError, match=r"^stream 3 was never opened$"):
        server.receive(FRAMES[kind](3))


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_on_a_stream_that_a_server_would_open_is_refused(
    pair: tuple[Connection, Connection], kind: str
) -> None:
    client, server = pair
    for side in (client, server):
        with pytest.raises(ProtocolError, match=r"^stream 2 was never opened$"):
            side.receive(FRAMES[kind](2))
