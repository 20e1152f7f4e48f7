"""A hostile peer: every attack ends in one clear error, and uses bounded memory."""

from __future__ import annotations

import hpack
import pytest

from llb.grpc.http2 import frames
from llb.grpc.http2.connection import Connection
from llb.grpc.http2.events import Event, Limits, StreamReset
from llb.grpc.http2.frames import ErrorCode, ProtocolError

REQUEST = ((":method", "POST"), (":path", "/s/m"))
BLOCK = hpack.Encoder().encode(REQUEST)
OPEN = frames.header(frames.HEADERS, frames.END_HEADERS, 1, len(BLOCK)) + BLOCK
START = frames.PREFACE + frames.settings([])


def opened(number: int, flags: int = 0) -> bytes:
    return frames.header(frames.HEADERS, frames.END_HEADERS | flags, number, len(BLOCK)) + BLOCK


def data(payload: bytes, *, stream_id: int = 1, flags: int = 0) -> bytes:
    return frames.header(frames.DATA, flags, stream_id, len(payload)) + payload


def serve(attack: bytes, limits: Limits | None = None) -> list[Event]:
    server = Connection(client=False, limits=limits or Limits())
    return server.receive(START + attack)


def refusal(attack: bytes, *, limits: Limits | None = None, start: bytes = START) -> str:
    """Format the code and message of the error, and check that the peer is sent the code."""
    server = Connection(client=False, limits=limits or Limits())
    with pytest.raises(ProtocolError) as caught:
        server.receive(start + attack)
    last_words = b"".join(server.take_output(2**30))
    assert last_words[-4:] == int(caught.value.code).to_bytes(4, "big")
    return f"{caught.value.code.name}: {caught.value}"


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"GET / HTTP/1.1\r\n", "PROTOCOL_ERROR: peer does not speak HTTP/2: wrong preface"),
        (b"P", None),
        (b"\0" * 9, "PROTOCOL_ERROR: peer does not speak HTTP/2: wrong preface"),
        (
            frames.PREFACE + frames.window_update(0, 1),
            "PROTOCOL_ERROR: peer does not speak HTTP/2: missing SETTINGS at the start",
        ),
        (
            frames.PREFACE + frames.SETTINGS_ACK,
            "PROTOCOL_ERROR: peer does not speak HTTP/2: missing SETTINGS at the start",
        ),
    ],
)
def test_a_wrong_start_is_refused(start: bytes, expected: str | None) -> None:
    if expected is None:
        assert Connection(client=False, limits=Limits()).receive(start) == []
    else:
        assert refusal(b"", start=start) == expected


@pytest.mark.parametrize(
    ("attack", "expected"),
    [
        (frames.settings([(4, 2**31)]), "FLOW_CONTROL_ERROR: invalid window size 2147483648"),
        (frames.settings([(5, 1)]), "PROTOCOL_ERROR: invalid frame size 1"),
        (
            frames.header(frames.SETTINGS, 0, 0, 5) + bytes(5),
            "FRAME_SIZE_ERROR: settings of 5 bytes",
        ),
        (
            frames.header(frames.SETTINGS, frames.ACK, 0, 6) + bytes(6),
            "FRAME_SIZE_ERROR: SETTINGS acknowledgement with a payload",
        ),
        (frames.window_update(0, 0), "FLOW_CONTROL_ERROR: peer broke the connection window"),
        (
            frames.window_update(0, 2**31 - 1),
            "FLOW_CONTROL_ERROR: peer broke the connection window",
        ),
        (
            OPEN + frames.window_update(1, 2**30) + frames.settings([(4, 2**31 - 1)]),
            "FLOW_CONTROL_ERROR: peer broke a stream's window",
        ),
        (frames.window_update(7, 1), "PROTOCOL_ERROR: stream 7 was never opened"),
        (data(b"x"), "PROTOCOL_ERROR: stream 1 was never opened"),
        (data(b"x", stream_id=2), "PROTOCOL_ERROR: stream 2 was never opened"),
        (frames.rst_stream(1, 0), "PROTOCOL_ERROR: stream 1 was never opened"),
        (opened(2), "PROTOCOL_ERROR: peer opened stream 2"),
        (
            frames.header(frames.PUSH_PROMISE, 0, 1, 4) + bytes(4),
            "PROTOCOL_ERROR: peer pushed a stream",
        ),
        (
            frames.header(frames.CONTINUATION, 0, 1, 1) + b"x",
            "PROTOCOL_ERROR: CONTINUATION without a header block",
        ),
        (
            frames.header(frames.HEADERS, 0, 1, 1) + b"\x82" + frames.window_update(0, 1),
            "PROTOCOL_ERROR: header block was interrupted",
        ),
        (
            frames.header(frames.HEADERS, 0, 1, 1)
            + b"\x82"
            + frames.header(frames.CONTINUATION, 0, 3, 0),
            "PROTOCOL_ERROR: header block was interrupted",
        ),
        (frames.header(frames.GOAWAY, 0, 0, 3) + bytes(3), "FRAME_SIZE_ERROR: goaway of 3 bytes"),
    ],
)
def test_a_protocol_violation_is_refused(attack: bytes, expected: str) -> None:
    assert refusal(attack) == expected


def test_headers_that_do_not_decode_are_refused() -> None:
    attack = frames.header(frames.HEADERS, frames.END_HEADERS, 1, 1) + b"\xff"
    assert refusal(attack).startswith("COMPRESSION_ERROR: headers cannot be decoded")


def test_a_header_list_above_the_limit_is_refused() -> None:
    block = hpack.Encoder().encode([("a", "b" * 100)], huffman=False) + b"\xbe" * 100
    attack = frames.header(frames.HEADERS, frames.END_HEADERS, 1, len(block)) + block
    assert (
        refusal(attack, limits=Limits(header_list=5000))
        == "ENHANCE_YOUR_CALM: headers larger than the limit"
    )


def test_endless_continuations_are_refused() -> None:
    piece = frames.header(frames.CONTINUATION, 0, 1, 1000) + bytes(1000)
    attack = frames.header(frames.HEADERS, 0, 1, 1) + b"\x82" + piece * 10
    assert (
        refusal(attack, limits=Limits(header_list=5000))
        == "ENHANCE_YOUR_CALM: headers larger than the limit"
    )


def test_many_empty_continuations_are_refused() -> None:
    attack = frames.header(frames.HEADERS, 0, 1, 1) + b"\x82"
    attack += frames.header(frames.CONTINUATION, 0, 1, 0) * 1001
    assert refusal(attack) == "ENHANCE_YOUR_CALM: peer floods with empty frames"


def test_a_headers_frame_above_the_limit_is_refused_before_it_is_buffered() -> None:
    attack = frames.header(frames.HEADERS, 0, 1, 2**24 - 1)
    assert refusal(attack) == "FRAME_SIZE_ERROR: frame of kind 1 with a length of 16777215"


@pytest.mark.parametrize(
    "question", [frames.settings([]), frames.header(frames.PING, 0, 0, 8) + bytes(8)]
)
def test_a_peer_that_does_not_read_its_answers_is_refused(question: bytes) -> None:
    assert refusal(question * 1001) == (
        "ENHANCE_YOUR_CALM: peer does not read the answers to its PING and SETTINGS frames"
    )


def test_a_peer_that_reads_its_answers_is_not_limited() -> None:
    server = Connection(client=False, limits=Limits())
    server.receive(START)
    for _ in range(20):
        server.receive((frames.header(frames.PING, 0, 0, 8) + bytes(8)) * 500)
        server.take_output(2**20)


def test_many_empty_data_frames_are_refused() -> None:
    assert refusal(OPEN + data(b"") * 1001) == "ENHANCE_YOUR_CALM: peer floods with empty frames"


def test_rapid_resets_are_refused() -> None:
    attack = b"".join(
        opened(number, frames.END_STREAM) + frames.rst_stream(number, ErrorCode.CANCEL)
        for number in range(1, 2 * 1001 + 1, 2)
    )
    assert refusal(attack) == "ENHANCE_YOUR_CALM: peer floods with resets"


def test_many_streams_above_the_limit_are_refused() -> None:
    attack = b"".join(opened(number) for number in range(1, 2600, 2))
    assert refusal(attack) == "ENHANCE_YOUR_CALM: peer floods with streams above the limit"


def test_more_data_than_the_connection_window_is_refused() -> None:
    limits = Limits(stream_window=2**20, connection_window=2**17)
    attack = OPEN + data(bytes(2**16)) * 3
    assert refusal(attack, limits=limits) == "FLOW_CONTROL_ERROR: peer sent more than its window"


def test_more_data_than_the_window_of_a_stream_resets_the_stream() -> None:
    attack = frames.SETTINGS_ACK + OPEN + data(bytes(101))
    events = serve(attack, Limits(stream_window=100))
    assert events[1:] == [StreamReset(1, ErrorCode.FLOW_CONTROL_ERROR)]


def test_data_after_the_end_of_a_stream_resets_the_stream() -> None:
    events = serve(opened(1, frames.END_STREAM) + data(b"more"))
    assert events[1:] == [StreamReset(1, ErrorCode.STREAM_CLOSED)]


def test_headers_after_the_end_of_a_stream_reset_the_stream() -> None:
    events = serve(opened(1, frames.END_STREAM) + opened(1))
    assert events[1:] == [StreamReset(1, ErrorCode.STREAM_CLOSED)]


def test_a_window_of_a_stream_that_overflows_resets_the_stream() -> None:
    events = serve(OPEN + frames.window_update(1, 2**31 - 1))
    assert events[1:] == [StreamReset(1, ErrorCode.FLOW_CONTROL_ERROR)]


def test_data_for_a_reset_stream_is_returned_to_the_window() -> None:
    limits = Limits(stream_window=2**16, connection_window=2**17)
    attack = OPEN + frames.rst_stream(1, ErrorCode.CANCEL) + data(bytes(2**14)) * 100
    assert len(serve(attack, limits)) == 2


def test_a_server_cannot_open_streams() -> None:
    client = Connection(client=True, limits=Limits())
    with pytest.raises(ProtocolError, match="stream 2 was never opened"):
        client.receive(frames.settings([]) + opened(2))
