"""Calls through a channel of grpcio behave as those through our own."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc
import grpc.aio
import pytest

from llb.errors import CancelledError, InvalidValueError, RemoteError, TransportError
from llb.grpc import Code
from llb.grpc.endings import DeadlineError
from llb.grpcio import CHANNEL_OPTIONS
from llb.grpcio.channel import GrpcioChannel
from tests.fakes.grpcio_peers import MIB
from tests.timing import SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fakes.grpcio_peers import GrpcioServer

    Connect = Callable[..., GrpcioChannel]


def test_a_unary_call_is_answered(channel: GrpcioChannel) -> None:
    assert channel.call("/tunnel.Test/Echo", b"hello") == b"hello"
    assert channel.call("/tunnel.Test/Echo", b"") == b""


@pytest.mark.parametrize(("count", "size"), [(2048, 32768), (2000, 100), (4, 16 * MIB)])
def test_a_stream_goes_out(channel: GrpcioChannel, count: int, size: int) -> None:
    call = channel.stream("/tunnel.Test/Collect")
    for _ in range(count):
        call.send(bytes(size))
    call.close_send()
    assert (call.receive(), call.receive()) == (b"%d %d" % (count, count * size), None)


@pytest.mark.parametrize(("count", "size"), [(2048, 32768), (2000, 100), (4, 16 * MIB)])
def test_a_stream_comes_in(channel: GrpcioChannel, count: int, size: int) -> None:
    call = channel.stream("/tunnel.Test/Produce")
    call.send(b"%d %d" % (count, size))
    call.close_send()
    sizes = []
    while (message := call.receive()) is not None:
        sizes.append(len(message))
    assert sizes == [size] * count


def test_a_conversation_takes_turns(channel: GrpcioChannel) -> None:
    call = channel.stream("/tunnel.Test/Chat")
    answers = []
    for message in (b"a", b"", bytes(100_000), b"c"):
        call.send(message)
        call.flush()
        answers.append(call.receive())
    call.close_send()
    assert answers == [b"a", b"", bytes(100_000), b"c"]
    assert call.receive() is None


def test_calls_run_at_the_same_time(channel: GrpcioChannel) -> None:
    messages = [bytes([number]) * 10_000 for number in range(50)]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda m: channel.call("/tunnel.Test/Echo", m), messages))
    assert answers == messages


def test_an_error_has_its_code_message_and_details(channel: GrpcioChannel) -> None:
    failure = {"code": 9, "message": "50 % für\nnichts", "details": ["one", "two"]}
    with pytest.raises(RemoteError) as caught:
        channel.call("/tunnel.Test/Fail", json.dumps(failure).encode())
    error = caught.value
    assert (error.code, error.message) == (9, "50 % für\nnichts")
    assert error.details == (b"one", b"two")


def test_details_of_a_large_source_file_arrive_within_the_options(connect: Connect) -> None:
    failure = {"code": 2, "message": "m", "details": ["x" * 200_000]}
    with pytest.raises(RemoteError) as caught:
        connect(options=CHANNEL_OPTIONS).call("/tunnel.Test/Fail", json.dumps(failure).encode())
    assert [len(detail) for detail in caught.value.details] == [200_000]


def test_limits_of_a_plain_channel_are_named_with_the_options(connect: Connect) -> None:
    channel = connect(options=())
    failure = {"code": 2, "message": "m", "details": ["x" * 200_000]}
    hint = "raise the limits of the channel with options=llb.grpcio.CHANNEL_OPTIONS"
    with pytest.raises(RemoteError) as caught:
        channel.call("/tunnel.Test/Fail", json.dumps(failure).encode())
    assert caught.value.hint == hint
    with pytest.raises(RemoteError) as caught:
        channel.call("/tunnel.Test/Produce", b"1 5000000")
    assert (caught.value.code, caught.value.hint) == (Code.RESOURCE_EXHAUSTED, hint)


def test_an_unknown_method_is_an_error(channel: GrpcioChannel) -> None:
    with pytest.raises(RemoteError) as caught:
        channel.call("/tunnel.Test/Nothing", b"")
    assert (caught.value.code, caught.value.hint) == (Code.UNIMPLEMENTED, None)


def test_a_deadline_ends_the_call(server: GrpcioServer, channel: GrpcioChannel) -> None:
    with pytest.raises(DeadlineError, match="deadline of the call has passed"):
        channel.call("/tunnel.Test/Sleep", b"", timeout=0.05)
    assert channel.call("/tunnel.Test/Echo", b"still here", timeout=SECONDS) == b"still here"
    assert server.has_ended.wait(SECONDS) or not server.has_started.is_set()


def test_a_deadline_of_the_server_is_its_status(channel: GrpcioChannel) -> None:
    failure = {"code": 4, "message": "too late", "details": []}
    with pytest.raises(RemoteError) as caught:
        channel.call("/tunnel.Test/Fail", json.dumps(failure).encode())
    assert (caught.value.code, caught.value.message) == (Code.DEADLINE_EXCEEDED, "too late")


@pytest.mark.parametrize(("code", "kind"), [(1, RemoteError), (14, TransportError)])
def test_a_server_that_cancels_or_is_unavailable_says_so(
    channel: GrpcioChannel, code: int, kind: type[Exception]
) -> None:
    failure = {"code": code, "message": "going away", "details": []}
    with pytest.raises(kind, match="going away"):
        channel.call("/tunnel.Test/Fail", json.dumps(failure).encode())


def test_another_thread_cancels_a_call(server: GrpcioServer, channel: GrpcioChannel) -> None:
    call = channel.stream("/tunnel.Test/Sleep")
    call.send(b"")
    assert server.has_started.wait(SECONDS)
    thread = threading.Thread(target=call.cancel)
    thread.start()
    with pytest.raises(CancelledError, match="call was cancelled"):
        call.receive()
    thread.join()
    assert server.has_ended.wait(SECONDS)
    with pytest.raises(CancelledError, match="call was cancelled"):
        call.send(b"")


def test_a_call_is_cancelled_before_it_sends(channel: GrpcioChannel) -> None:
    call = channel.stream("/tunnel.Test/Echo")
    call.cancel()
    call.cancel()
    with pytest.raises(CancelledError, match="call was cancelled"):
        call.receive()


def test_cancelling_a_call_that_is_over_does_nothing(channel: GrpcioChannel) -> None:
    call = channel.stream("/tunnel.Test/Echo")
    call.close_send()
    assert call.receive() is None
    call.cancel()
    assert call.receive() is None


def test_metadata_arrives(channel: GrpcioChannel) -> None:
    pairs = [("Dir-Name", "context"), ("patterns", "a"), ("patterns", "b"), ("blob-bin", "AP8")]
    answer = json.loads(channel.call("/tunnel.Test/Metadata", b"", metadata=pairs))
    shown = {name: answer[name] for name in ("dir-name", "patterns", "blob-bin")}
    assert shown == {"dir-name": ["context"], "patterns": ["a", "b"], "blob-bin": ["00ff"]}


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (("a b", "c"), "invalid metadata name 'a b'"),
        (("a", "ü"), "invalid value 'ü' of metadata 'a': expected printable ASCII"),
        (("a-bin", "b"), "invalid value 'b' of metadata 'a-bin': expected base64"),
    ],
)
def test_invalid_metadata_is_refused(
    channel: GrpcioChannel, pair: tuple[str, str], message: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        channel.stream("/tunnel.Test/Echo", metadata=[pair])
    assert caught.value.message == message


def test_a_slow_reader_stops_the_stream_and_no_other(
    server: GrpcioServer, channel: GrpcioChannel
) -> None:
    call = channel.stream("/tunnel.Test/Produce")
    call.send(b"%d %d" % (1024, 65536))
    call.close_send()
    assert call.receive() == bytes(65536)
    assert channel.call("/tunnel.Test/Echo", b"meanwhile") == b"meanwhile"
    assert server.yielded < 1024
    sizes = []
    while (message := call.receive()) is not None:
        sizes.append(len(message))
    assert sizes == [65536] * 1023


def test_a_slow_server_stops_the_sender(server: GrpcioServer, channel: GrpcioChannel) -> None:
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


def test_cancelling_wakes_a_sender_that_waits(server: GrpcioServer, channel: GrpcioChannel) -> None:
    server.may_read.clear()
    call = channel.stream("/tunnel.Test/Collect")
    errors: list[Exception] = []

    def send() -> None:
        try:
            while True:
                call.send(bytes(65536))
        except CancelledError as error:
            errors.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    wait_until(lambda: call._requests.is_full)
    call.cancel()
    thread.join(SECONDS)
    assert [str(error) for error in errors] == ["call was cancelled"]


def test_a_deadline_wakes_a_sender_that_waits(server: GrpcioServer, channel: GrpcioChannel) -> None:
    server.may_read.clear()
    call = channel.stream("/tunnel.Test/Collect", timeout=0.2)

    def send() -> None:
        while True:
            call.send(bytes(65536))

    with pytest.raises(DeadlineError):
        send()


def test_closing_ends_the_calls_and_not_the_channel(server: GrpcioServer) -> None:
    with grpc.insecure_channel(server.address) as plain:
        ours, others = GrpcioChannel(plain), GrpcioChannel(plain)
        call = ours.stream("/tunnel.Test/Sleep")
        call.send(b"")
        assert server.has_started.wait(SECONDS)
        before = ours.is_open
        ours.close()
        ours.close()
        assert (before, ours.is_open) == (True, False)
        with pytest.raises(TransportError, match="connection was closed"):
            call.receive()
        with pytest.raises(TransportError, match="connection was closed"):
            ours.stream("/tunnel.Test/Echo")
        assert server.has_ended.wait(SECONDS)
        assert others.call("/tunnel.Test/Echo", b"still here") == b"still here"


def test_a_channel_that_its_owner_closes_ends_its_calls(server: GrpcioServer) -> None:
    plain = grpc.insecure_channel(server.address)
    channel = GrpcioChannel(plain)
    call = channel.stream("/tunnel.Test/Sleep")
    call.send(b"")
    assert server.has_started.wait(SECONDS)
    plain.close()
    with pytest.raises(TransportError, match=r"the grpc\.Channel was closed"):
        call.receive()
    with pytest.raises(TransportError, match=r"the grpc\.Channel is closed"):
        channel.call("/tunnel.Test/Echo", b"")


def test_a_server_that_nobody_started_is_a_failed_connection(tmp_path: Path) -> None:
    with grpc.insecure_channel(f"unix:{tmp_path}/nobody") as plain:
        channel = GrpcioChannel(plain)
        with pytest.raises(TransportError, match="No such file or directory"):
            channel.call("/tunnel.Test/Echo", b"", timeout=SECONDS)


def test_calls_are_forgotten_when_they_are_over(channel: GrpcioChannel) -> None:
    for _ in range(3):
        channel.call("/tunnel.Test/Echo", b"")
    assert channel._calls == set()


def test_other_values_than_a_channel_are_refused() -> None:
    async def use_aio() -> str:
        async with grpc.aio.insecure_channel("localhost:1") as channel:
            with pytest.raises(InvalidValueError) as caught:
                GrpcioChannel(channel)  # type: ignore[arg-type]
        return caught.value.message

    assert asyncio.run(use_aio()) == "invalid channel: expected a grpc.Channel, not one of grpc.aio"
    with pytest.raises(InvalidValueError) as caught:
        GrpcioChannel("localhost:1")  # type: ignore[arg-type]
    assert caught.value.message == "invalid channel 'localhost:1': expected a grpc.Channel"
