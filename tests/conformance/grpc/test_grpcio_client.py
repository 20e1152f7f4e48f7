"""Calls from grpcio's channel to our server."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from llb.grpc.http2.events import Limits
from tests.conformance.grpc import conftest as ours
from tests.fakes.grpcio_peers import LARGE, MIB, Listener
from tests.timing import SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.grpc import ServerCall

    Start = Callable[..., tuple[Listener, Any]]

PREFIX = "/tunnel.Test/"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A function that starts our server with options, and creates a channel with options to it."""
    ours._cancelled.clear()
    ours._report_read.clear()
    with ExitStack() as stack:

        def run(
            *options: tuple[str, int], compression: Any = None, **server: Any
        ) -> tuple[Listener, Any]:
            handlers = {**ours.HANDLERS, **server.pop("handlers", {})}
            listener = Listener(tmp_path / "ours.sock", handlers, **server)
            stack.callback(listener.close)
            stack.callback(ours._report_read.set)
            channel = grpc.insecure_channel(listener.address, (*LARGE, *options), compression)
            stack.callback(channel.close)
            return listener, channel

        yield run


@pytest.fixture
def channel(start: Start) -> Any:
    return start()[1]


def echo(channel: Any, message: bytes) -> Any:
    return channel.unary_unary(PREFIX + "Echo")(message, timeout=SECONDS)


def failure(call: Any, *arguments: Any, **options: Any) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **options)
    return caught.value


def outcome(error: Any) -> tuple[grpc.StatusCode, str]:
    return error.code(), error.details()


def test_a_unary_call_is_answered(channel: Any) -> None:
    assert echo(channel, b"hello") == b"hello"
    assert echo(channel, b"") == b""


@pytest.mark.parametrize(("count", "size"), [(2048, 32768), (20000, 100), (4, 16 * MIB)])
def test_a_stream_comes_in(channel: Any, count: int, size: int) -> None:
    collect = channel.stream_unary(PREFIX + "Collect")
    assert collect(bytes(size) for _ in range(count)) == b"%d %d" % (count, count * size)


@pytest.mark.parametrize(("count", "size"), [(2048, 32768), (20000, 100), (4, 16 * MIB)])
def test_a_stream_goes_out(channel: Any, count: int, size: int) -> None:
    produce = channel.unary_stream(PREFIX + "Produce")
    assert [len(message) for message in produce(b"%d %d" % (count, size))] == [size] * count


def test_a_conversation_takes_turns(channel: Any) -> None:
    turn = threading.Semaphore(1)
    messages = [b"a", b"", bytes(100_000), b"c"]

    def requests() -> Iterator[bytes]:
        for message in messages:
            turn.acquire()
            yield message

    answers = []
    for answer in channel.stream_stream(PREFIX + "Chat")(requests()):
        answers.append(answer)
        turn.release()
    assert answers == messages


def test_100_calls_run_at_the_same_time(channel: Any) -> None:
    messages = [bytes([number]) * 100_000 for number in range(100)]
    call = channel.unary_unary(PREFIX + "Echo")
    assert [future.result() for future in [call.future(m) for m in messages]] == messages


def test_calls_wait_for_the_limit_on_streams(start: Start) -> None:
    _, channel = start(limits=Limits(streams=2))
    messages = [bytes([number]) * 10_000 for number in range(20)]
    call = channel.unary_unary(PREFIX + "Echo")
    assert [future.result() for future in [call.future(m) for m in messages]] == messages


def test_an_error_arrives_with_its_details(channel: Any) -> None:
    request = {"code": 9, "message": "50 % für\nnichts", "details": ["one", "two"]}
    error: Any = failure(channel.unary_unary(PREFIX + "Fail"), json.dumps(request).encode())
    assert outcome(error) == (grpc.StatusCode.FAILED_PRECONDITION, "50 % für\nnichts")
    ((name, body),) = error.trailing_metadata()
    assert name == "grpc-status-details-bin"
    assert body.endswith(b"\x1a\x10" + ours.any_of("one") + b"\x1a\x10" + ours.any_of("two"))


def test_an_unknown_method_is_refused(channel: Any) -> None:
    assert outcome(failure(channel.unary_unary(PREFIX + "Nothing"), b"")) == (
        grpc.StatusCode.UNIMPLEMENTED,
        "unknown method /tunnel.Test/Nothing",
    )


def test_a_compressed_call_is_refused(start: Start) -> None:
    _, channel = start(compression=grpc.Compression.Gzip)
    assert outcome(failure(echo, channel, bytes(1000))) == (
        grpc.StatusCode.UNIMPLEMENTED,
        "unsupported compression 'gzip'",
    )


def test_a_message_above_the_limit_is_refused(start: Start) -> None:
    _, channel = start(max_message_size=1000)
    error: Any = failure(echo, channel, bytes(1001))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert echo(channel, bytes(1000)) == bytes(1000)


def test_a_deadline_ends_the_call_and_spares_the_connection(start: Start) -> None:
    listener, channel = start()
    error: Any = failure(channel.unary_unary(PREFIX + "Sleep"), b"60000", timeout=0.05)
    assert outcome(error) == (grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
    assert echo(channel, b"still here") == b"still here"
    assert len(listener.connections) == 1


def test_the_deadline_arrives(start: Start) -> None:
    ended = threading.Event()

    def wait(call: ServerCall) -> None:
        call.receive()
        try:
            call.receive()
        finally:
            ended.set()

    listener, channel = start(handlers={"/tunnel.Test/Wait": wait})
    failure(channel.stream_unary(PREFIX + "Wait"), iter_forever(ended), timeout=0.2)
    assert ended.wait(SECONDS)
    assert len(listener.connections) == 1


def iter_forever(ended: threading.Event) -> Iterator[bytes]:
    yield b""
    ended.wait(SECONDS)


def test_a_cancelled_call_ends_its_handler(channel: Any) -> None:
    cancelled = threading.Event()
    call = channel.stream_stream(PREFIX + "Chat")(iter_forever(cancelled))
    assert next(call) == b""
    call.cancel()
    cancelled.set()
    assert channel.unary_unary(PREFIX + "Cancelled")(b"") == b"yes"


def test_metadata_arrives_with_repeated_names(channel: Any) -> None:
    metadata = [
        ("dir-name", "context"),
        ("patterns", "a"),
        ("patterns", "b"),
        ("blob-bin", b"\0\xff"),
    ]
    answer = channel.unary_unary(PREFIX + "Metadata")(b"", metadata=metadata)
    assert json.loads(answer) == {
        "dir-name": ["context"],
        "patterns": ["a", "b"],
        "blob-bin": ["AP8"],
    }


def test_metadata_above_the_limit_is_refused(start: Start) -> None:
    _, channel = start(limits=Limits(header_list=10_000))
    call = channel.unary_unary(PREFIX + "Echo")
    failure(call, b"", metadata=[("large", "x" * 20_000)], timeout=SECONDS)
    assert echo(channel, b"still here") == b"still here"


def test_a_slow_reader_stops_the_stream_and_no_other(start: Start) -> None:
    sent = []

    def produce(call: ServerCall) -> None:
        for number in range(1024):
            call.send(bytes(65536))
            sent.append(number)

    _, channel = start(handlers={"/tunnel.Test/Much": produce})
    responses = channel.unary_stream(PREFIX + "Much")(b"")
    assert next(responses) == bytes(65536)
    assert echo(channel, b"meanwhile") == b"meanwhile"
    # The window of the stream bounds what could be sent, however long our server has tried.
    assert len(sent) < 1024
    assert [len(message) for message in responses] == [65536] * 1023


def test_a_slow_handler_stops_the_sender_and_no_other_call(start: Start) -> None:
    may_read = threading.Event()
    taken = []

    def collect(call: ServerCall) -> None:
        may_read.wait(SECONDS)
        while (message := call.receive()) is not None:
            taken.append(len(message))
        call.send(b"done")

    _, channel = start(handlers={"/tunnel.Test/Slow": collect})
    asked = []

    def requests() -> Iterator[bytes]:
        for number in range(1024):
            asked.append(number)
            yield bytes(65536)

    future = channel.stream_unary(PREFIX + "Slow").future(requests())
    assert echo(channel, b"meanwhile") == b"meanwhile"
    assert len(asked) < 1024
    may_read.set()
    assert future.result() == b"done"
    assert taken == [65536] * 1024


def test_the_channel_opens_another_connection_after_the_end_of_one(start: Start) -> None:
    listener, channel = start()
    assert echo(channel, b"one") == b"one"
    states: list[grpc.ChannelConnectivity] = []
    channel.subscribe(states.append)
    wait_until(lambda: grpc.ChannelConnectivity.READY in states)
    listener.connections[0][0].close()
    # Until it has seen the end, grpcio would send a call to the old connection.
    wait_until(lambda: states[-1] != grpc.ChannelConnectivity.READY)
    call = channel.unary_unary(PREFIX + "Echo")
    assert call(b"two", wait_for_ready=True, timeout=SECONDS) == b"two"
    assert len(listener.connections) == 2


def test_pings_of_the_client_are_answered(start: Start) -> None:
    listener, channel = start(
        ("grpc.keepalive_time_ms", 20),
        ("grpc.keepalive_timeout_ms", round(SECONDS * 1000)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    )
    assert echo(channel, b"hello") == b"hello"
    _, pipe = listener.connections[0]
    wait_until(lambda: pipe.answered >= 3)
    assert echo(channel, b"still here") == b"still here"
    assert len(listener.connections) == 1
