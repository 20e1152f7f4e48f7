"""Calls from our channel to grpcio's server."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from llb.errors import CancelledError, LLBError, RemoteError, TransportError
from llb.grpc import Channel, Code
from tests.fakes.grpcio_peers import MIB, GrpcioServer, PingPipe
from tests.timing import SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Start = Callable[..., tuple[GrpcioServer, Channel]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A function that starts a server with options, and connects to it."""
    with ExitStack() as stack:

        def run(**options: Any) -> tuple[GrpcioServer, Channel]:
            server = GrpcioServer(tmp_path / "server.sock", **options)
            stack.callback(server.close)
            channel = Channel(server.dial())
            stack.callback(channel.close)
            return server, channel

        yield run


@pytest.fixture
def channel(start: Start) -> Channel:
    return start()[1]


def test_a_unary_call_is_answered(channel: Channel) -> None:
    assert channel.call("/tunnel.Test/Echo", b"hello") == b"hello"


def test_an_empty_message_is_a_message(channel: Channel) -> None:
    assert channel.call("/tunnel.Test/Echo", b"") == b""


@pytest.mark.parametrize(("count", "size"), [(2048, 32768), (20000, 100), (4, 16 * MIB)])
def test_a_stream_goes_out(channel: Channel, count: int, size: int) -> None:
    call = channel.stream("/tunnel.Test/Collect")
    for _ in range(count):
        call.send(bytes(size))
    call.close_send()
    assert (call.receive(), call.receive()) == (b"%d %d" % (count, count * size), None)


@pytest.mark.parametrize(("count", "size"), [(2048, 32768), (20000, 100), (4, 16 * MIB)])
def test_a_stream_comes_in(channel: Channel, count: int, size: int) -> None:
    call = channel.stream("/tunnel.Test/Produce")
    call.send(b"%d %d" % (count, size))
    call.close_send()
    sizes = []
    while (message := call.receive()) is not None:
        sizes.append(len(message))
    assert sizes == [size] * count


def test_a_conversation_takes_turns(channel: Channel) -> None:
    call = channel.stream("/tunnel.Test/Chat")
    answers = []
    for message in (b"a", b"", bytes(100_000), b"c"):
        call.send(message)
        answers.append(call.receive())
    call.close_send()
    assert answers == [b"a", b"", bytes(100_000), b"c"]
    assert call.receive() is None


def test_100_calls_run_at_the_same_time(channel: Channel) -> None:
    messages = [bytes([number]) * 100_000 for number in range(100)]
    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda m: channel.call("/tunnel.Test/Echo", m), messages))
    assert answers == messages


def test_calls_wait_for_the_limit_on_streams(start: Start) -> None:
    _, channel = start(options=[("grpc.max_concurrent_streams", 2)])
    # The limit is in the first frame of the server, which has arrived with any answer.
    channel.call("/tunnel.Test/Echo", b"first")

    def echo(message: bytes) -> bytes:
        while True:
            try:
                return channel.call("/tunnel.Test/Echo", message)
            except RemoteError as error:
                # grpcio may still count a stream that has ended, and then refuses the next one.
                if error.message != "call was reset by the peer: REFUSED_STREAM":
                    raise

    messages = [bytes([number]) * 10_000 for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(echo, messages)) == messages


@pytest.mark.parametrize("detail", ["one", "x" * 100_000])
def test_an_error_arrives_with_its_details(channel: Channel, detail: str) -> None:
    failure = {"code": 9, "message": "50 % für\nnichts", "details": [detail, "two"]}
    with pytest.raises(RemoteError) as caught:
        channel.call("/tunnel.Test/Fail", json.dumps(failure).encode())
    error = caught.value
    assert (error.code, error.message) == (9, "50 % für\nnichts")
    assert error.details == (detail.encode(), b"two")


def test_an_unknown_method_is_an_error(channel: Channel) -> None:
    with pytest.raises(RemoteError) as caught:
        channel.call("/tunnel.Test/Nothing", b"")
    assert caught.value.code == Code.UNIMPLEMENTED


def test_a_message_above_the_limit_of_the_server_is_an_error(channel: Channel) -> None:
    with pytest.raises(RemoteError) as caught:
        channel.call("/tunnel.Test/Echo", bytes(17 * MIB))
    assert caught.value.code == Code.RESOURCE_EXHAUSTED
    assert channel.call("/tunnel.Test/Echo", b"still here") == b"still here"


def test_a_timeout_cancels_the_call_and_spares_the_connection(start: Start) -> None:
    server, channel = start()
    with pytest.raises(CancelledError, match="deadline"):
        channel.call("/tunnel.Test/Sleep", b"", timeout=0.05)
    assert channel.call("/tunnel.Test/Echo", b"still here") == b"still here"
    # If the deadline has passed before the handler was called, it never is.
    assert server.has_ended.wait(SECONDS) or not server.has_started.is_set()


def test_a_cancelled_call_ends_on_the_server(start: Start) -> None:
    server, channel = start()
    call = channel.stream("/tunnel.Test/Sleep")
    call.send(b"")
    call.flush()
    assert server.has_started.wait(SECONDS)
    call.cancel()
    with pytest.raises(CancelledError):
        call.receive()
    assert server.has_ended.wait(SECONDS)
    assert channel.call("/tunnel.Test/Echo", b"still here") == b"still here"


def test_metadata_arrives(channel: Channel) -> None:
    pairs = [("Dir-Name", "context"), ("patterns", "a"), ("patterns", "b"), ("blob-bin", "AP8")]
    answer = json.loads(channel.call("/tunnel.Test/Metadata", b"", metadata=pairs))
    shown = {name: answer[name] for name in ("dir-name", "patterns", "blob-bin")}
    assert shown == {"dir-name": ["context"], "patterns": ["a", "b"], "blob-bin": ["00ff"]}


def test_a_compressed_response_is_refused(start: Start) -> None:
    # grpcio compresses whatever the client accepts, if its server is told to.
    _, channel = start(compression=grpc.Compression.Gzip)
    with pytest.raises(RemoteError, match="unsupported compression 'gzip'") as caught:
        channel.call("/tunnel.Test/Echo", bytes(100_000))
    assert caught.value.code == Code.UNIMPLEMENTED


def test_a_slow_reader_stops_the_stream_and_no_other(start: Start) -> None:
    server, channel = start()
    call = channel.stream("/tunnel.Test/Produce")
    call.send(b"%d %d" % (1024, 65536))
    call.close_send()
    assert call.receive() == bytes(65536)
    assert channel.call("/tunnel.Test/Echo", b"meanwhile") == b"meanwhile"
    # The window of the stream bounds what the server could send, however long it has tried.
    assert server.yielded < 1024
    sizes = []
    while (message := call.receive()) is not None:
        sizes.append(len(message))
    assert sizes == [65536] * 1023


def test_a_slow_server_stops_the_sender_and_no_other_call(start: Start) -> None:
    server, channel = start()
    server.may_read.clear()
    call = channel.stream("/tunnel.Test/Collect")
    sent = []

    def send() -> None:
        for number in range(1024):
            call.send(bytes(65536))
            sent.append(number)
        call.close_send()

    thread = threading.Thread(target=send)
    thread.start()
    assert channel.call("/tunnel.Test/Echo", b"meanwhile") == b"meanwhile"
    assert len(sent) < 1024
    server.may_read.set()
    thread.join(SECONDS)
    assert call.receive() == b"1024 67108864"


def test_a_server_that_shuts_down_finishes_its_calls_and_takes_no_more(start: Start) -> None:
    server, channel = start()
    call = channel.stream("/tunnel.Test/Chat")
    call.send(b"a")
    assert call.receive() == b"a"
    stopped = server.server.stop(grace=SECONDS)
    wait_until(lambda: not channel.is_open)
    with pytest.raises(TransportError, match="peer is closing the connection"):
        channel.call("/tunnel.Test/Echo", b"")
    call.send(b"b")
    assert call.receive() == b"b"
    call.close_send()
    assert call.receive() is None
    assert stopped.wait(SECONDS)


def test_a_server_that_stops_at_once_ends_its_calls(start: Start) -> None:
    server, channel = start()
    call = channel.stream("/tunnel.Test/Chat")
    call.send(b"a")
    assert call.receive() == b"a"
    server.server.stop(grace=None)
    with pytest.raises(LLBError) as caught:
        call.receive()
    # It resets the call, and closes the connection; we may see either first.
    error = caught.value
    assert isinstance(error, TransportError) or (
        isinstance(error, RemoteError) and error.code in (Code.CANCELLED, Code.UNAVAILABLE)
    )


def test_pings_of_the_server_are_answered(start: Start) -> None:
    server, _ = start(
        options=[
            ("grpc.keepalive_time_ms", 20),
            ("grpc.keepalive_timeout_ms", round(SECONDS * 1000)),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
        ]
    )
    pipe = PingPipe(server.dial())
    channel = Channel(pipe)
    wait_until(lambda: pipe.answered >= 3)
    assert channel.call("/tunnel.Test/Echo", b"still here") == b"still here"
    channel.close()
