"""The end of a connection: every waiting thread gets an error, and no thread is left."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import hpack
import pytest

from llb.errors import CancelledError, RemoteError, TransportError
from llb.grpc import Channel, Server, ServerCall, memory_pair, metadata
from llb.grpc.http2 import frames
from llb.grpc.http2.events import Limits
from tests.timing import SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.grpc import Pipe

SETTINGS = frames.settings([])


def headers(stream_id: int, pairs: Any, *, end: bool = False) -> bytes:
    block = hpack.Encoder().encode(pairs)
    return frames.headers(stream_id, block, end=end, frame_size=2**14)


def data(stream_id: int, payload: bytes, *, end: bool = False) -> bytes:
    flags = frames.END_STREAM if end else 0
    return frames.header(frames.DATA, flags, stream_id, len(payload)) + payload


def answer_with(data: bytes) -> tuple[Channel, Pipe]:
    """Open a channel whose peer answers the first bytes with ``data``."""
    here, there = memory_pair(2**26)
    channel = Channel(here)
    assert there.read()
    there.write(data)
    return channel, there


@pytest.mark.parametrize(
    ("last_words", "message"),
    [
        (b"", "connection was closed by the peer"),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "peer does not speak HTTP/2: frame of kind 80 with a length of 4740180",
        ),
        (b"\0\0\1\4\0\0\0\0\0", "connection was closed by the peer"),
        (frames.window_update(0, 1), "peer does not speak HTTP/2: missing SETTINGS at the start"),
    ],
)
def test_an_end_or_garbage_wakes_all_waiting_threads(last_words: bytes, message: str) -> None:
    here, there = memory_pair(2**26)
    channel = Channel(here)
    with ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(channel.stream("/s/m").receive) for _ in range(5)]
        if last_words:
            there.write(last_words)
        there.close()
        seen = {str(future.exception(SECONDS)) for future in waiting}
    assert seen == {message}
    with pytest.raises(TransportError, match=message):
        channel.call("/s/m", b"")
    channel.close()


def test_closing_the_channel_wakes_waiting_threads() -> None:
    here, there = memory_pair()
    channel = Channel(here)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(channel.stream("/s/m").receive)
        channel.close()
        assert str(waiting.exception(SECONDS)) == "connection was closed"
    there.close()


def test_an_end_wakes_a_blocked_sender() -> None:
    here, there = memory_pair(2**26)
    channel = Channel(here)
    call = channel.stream("/s/m")
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(call.send, bytes(2**22))
        received = 0
        while received < frames.DEFAULT_WINDOW:
            received += len(there.read())
        there.close()
        assert isinstance(sending.exception(SECONDS), TransportError)
    channel.close()


def test_an_end_wakes_a_call_that_waits_for_a_stream() -> None:
    channel, there = answer_with(frames.settings([(frames.MAX_CONCURRENT_STREAMS, 0)]))
    while there.read()[-9:] != frames.SETTINGS_ACK:
        pass
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(channel.stream, "/s/m")
        there.close()
        assert isinstance(waiting.exception(SECONDS), TransportError)
    channel.close()


def test_a_leaving_peer_fails_unseen_calls_and_finishes_the_others() -> None:
    channel, there = answer_with(SETTINGS)
    first, second = channel.stream("/s/m"), channel.stream("/s/m")
    there.write(frames.goaway(1, 0))
    with pytest.raises(TransportError, match="peer is closing the connection"):
        second.receive()
    with pytest.raises(TransportError, match="peer is closing the connection"):
        channel.call("/s/m", b"")
    there.write(headers(1, (*metadata.RESPONSE, ("grpc-status", "0")), end=True))
    assert first.receive() is None
    there.close()
    channel.close()


def test_messages_that_arrived_before_the_end_are_still_received() -> None:
    channel, there = answer_with(SETTINGS)
    call = channel.stream("/s/m")
    there.write(headers(1, metadata.RESPONSE) + data(1, b"\0\0\0\0\1a"))
    there.close()
    assert call.receive() == b"a"
    with pytest.raises(TransportError, match="connection was closed by the peer"):
        call.receive()
    channel.close()


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (headers(1, [(":status", "502")], end=True), 14, "peer answered with HTTP status 502"),
        (headers(1, [("a", "b")], end=True), 2, "peer answered with HTTP status missing"),
        (
            headers(1, [(":status", "200"), ("content-type", "text/html")]),
            2,
            "invalid content type 'text/html': expected application/grpc",
        ),
        (
            headers(1, [*metadata.RESPONSE, ("grpc-encoding", "gzip")]),
            12,
            "unsupported compression 'gzip'",
        ),
        (
            headers(1, metadata.RESPONSE) + headers(1, [("a", "b")]),
            13,
            "peer sent two header lists",
        ),
        (
            headers(1, metadata.RESPONSE) + data(1, b"", end=True),
            13,
            "call ended without a status",
        ),
        (headers(1, metadata.RESPONSE, end=True), 2, "call ended without a status"),
        (
            headers(1, metadata.RESPONSE)
            + data(1, b"\0\0\0\0\5a")
            + headers(1, [("grpc-status", "0")], end=True),
            13,
            "stream ended within a message",
        ),
        (
            headers(1, metadata.RESPONSE) + data(1, b"\1\0\0\0\0"),
            13,
            "message is compressed without an encoding",
        ),
        (
            headers(1, metadata.RESPONSE) + data(1, b"\0\xff\0\0\0"),
            8,
            "message of 4278190080 bytes is larger than the limit of 16777216",
        ),
        (frames.rst_stream(1, 7), 14, "call was reset by the peer: REFUSED_STREAM"),
    ],
)
def test_an_invalid_answer_fails_its_call(answer: bytes, code: int, message: str) -> None:
    channel, there = answer_with(SETTINGS)
    call = channel.stream("/s/m")
    there.write(answer)
    with pytest.raises(RemoteError) as caught:
        call.receive()
    assert (caught.value.code, caught.value.message) == (code, message)
    there.close()
    channel.close()


def test_an_interim_response_is_skipped() -> None:
    channel, there = answer_with(SETTINGS)
    call = channel.stream("/s/m")
    there.write(headers(1, [(":status", "103")]) + headers(1, metadata.RESPONSE))
    there.write(data(1, b"\0\0\0\0\1a") + headers(1, [("grpc-status", "0")], end=True))
    assert (call.receive(), call.receive()) == (b"a", None)
    there.close()
    channel.close()


def test_the_end_of_a_server_fails_its_handlers(
    serve_raw: Callable[..., tuple[Any, Pipe]],
) -> None:
    seen: list[str] = []
    started = threading.Event()

    def handler(call: ServerCall) -> None:
        started.set()
        try:
            call.receive()
        except TransportError as error:
            seen.append(str(error))

    serving, pipe = serve_raw({"/s/m": handler})
    pipe.write(frames.PREFACE + SETTINGS + headers(1, metadata.request("/s/m", "x", None, ())))
    assert started.wait(SECONDS)
    pipe.close()
    assert serving.join() is None
    assert seen == ["connection was closed by the peer"]


def test_a_server_reports_why_it_failed(serve_raw: Callable[..., tuple[Any, Pipe]]) -> None:
    serving, pipe = serve_raw({})
    pipe.write(b"GET / HTTP/1.1\r\n")
    assert str(serving.join()) == "peer does not speak HTTP/2: wrong preface"
    received = b""
    while piece := pipe.read():
        received += piece
    assert received.endswith(frames.goaway(0, 1))


@pytest.mark.parametrize(
    ("pairs", "status"),
    [
        ([(":method", "GET"), (":path", "/s/m")], "13"),
        ([(":method", "POST"), (":path", "/s/m")], "13"),
        (metadata.request("/s/m", "x", None, [("grpc-encoding", "gzip")]), "12"),
        (metadata.request("/s/m", "x", None, [("grpc-timeout", "soon")]), "13"),
        (metadata.request("/s/other", "x", None, ()), "12"),
    ],
)
def test_an_invalid_request_is_answered_with_a_status(
    serve_raw: Callable[..., tuple[Any, Pipe]], pairs: Any, status: str
) -> None:
    _, pipe = serve_raw({"/s/m": lambda _call: None})
    pipe.write(frames.PREFACE + SETTINGS + headers(1, pairs, end=True))
    reader = frames.FrameReader(frame_limit=2**20, held_limit=2**20)
    decoder = hpack.Decoder()
    while True:
        header_frames = [
            frame for frame in reader.feed(pipe.read()) if frame.kind == frames.HEADERS
        ]
        if header_frames:
            break
    answer: Any = dict(decoder.decode(bytes(header_frames[0].payload)))
    assert answer["grpc-status"] == status


def test_handlers_of_reset_calls_count_until_they_return(
    serve_raw: Callable[..., tuple[Any, Pipe]],
) -> None:
    may_end = threading.Event()
    running: list[str] = []

    def handler(call: ServerCall) -> None:
        running.append(call.method)
        may_end.wait(SECONDS)

    serving, pipe = serve_raw({"/s/m": handler}, limits=Limits(streams=2))
    encoder = hpack.Encoder()
    attack = frames.PREFACE + SETTINGS
    for number in range(1, 21, 2):
        block = encoder.encode(metadata.request("/s/m", "x", None, ()))
        attack += frames.headers(number, block, end=True, frame_size=2**14)
        attack += frames.rst_stream(number, 8)
    pipe.write(attack + frames.header(frames.PING, 0, 0, 8) + bytes(8))
    received = b""
    while not received.endswith(frames.header(frames.PING, frames.ACK, 0, 8) + bytes(8)):
        received += pipe.read()
    # The accepted calls may not have started yet.
    wait_until(lambda: len(running) >= 2)
    pipe.close()
    may_end.set()
    serving.join()
    assert len(running) == 2


def test_a_client_that_vanishes_mid_call_does_not_stop_its_server_from_ending(
    serve_raw: Callable[..., tuple[Any, Pipe]],
) -> None:
    def endless(call: ServerCall) -> None:
        while True:
            call.send(bytes(2**16))

    serving, pipe = serve_raw({"/s/m": endless})
    start = headers(1, metadata.request("/s/m", "x", None, ()), end=True)
    pipe.write(frames.PREFACE + SETTINGS + start)
    assert pipe.read()
    pipe.close()
    assert serving.join() is None


def test_garbage_in_a_stream_cancels_its_handler(
    serve_raw: Callable[..., tuple[Any, Pipe]],
) -> None:
    seen: list[str] = []
    over = threading.Event()

    def handler(call: ServerCall) -> None:
        try:
            call.receive()
        except CancelledError as error:
            seen.append(str(error))
            over.set()

    _, pipe = serve_raw({"/s/m": handler})
    start = headers(1, metadata.request("/s/m", "x", None, ()))
    pipe.write(frames.PREFACE + SETTINGS + start + data(1, b"\1\0\0\0\0"))
    assert over.wait(SECONDS)
    assert seen == ["call was refused: message is compressed without an encoding"]


def test_a_server_ends_when_its_pipe_can_no_longer_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The server waits this long for data that may still arrive.
    monkeypatch.setattr("llb.grpc.endpoint._GRACE", 0.1)

    class HalfBroken:
        def __init__(self) -> None:
            self._closed = threading.Event()

        def read(self) -> bytes:
            self._closed.wait(SECONDS)
            return b""

        def write(self, data: bytes) -> None:
            raise TransportError("writing failed: Broken pipe")

        def close(self) -> None:
            self._closed.set()

    with pytest.raises(TransportError, match="writing failed: Broken pipe"):
        Server(HalfBroken(), {}).serve()


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), RuntimeError("bug")])
def test_an_unexpected_error_of_a_pipe_ends_the_server(error: Exception) -> None:
    class Failing:
        def __init__(self) -> None:
            self.closed = 0

        def read(self) -> bytes:
            raise error

        def write(self, data: bytes) -> None:
            pass

        def close(self) -> None:
            self.closed += 1

    pipe = Failing()
    with pytest.raises((TransportError, RuntimeError)):
        Server(pipe, {}).serve()
    assert pipe.closed
