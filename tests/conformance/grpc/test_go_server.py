"""Calls from our channel to grpc-go, behind either of its HTTP/2 servers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from llb.errors import CancelledError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.grpc import Channel

pytestmark = pytest.mark.go


@pytest.fixture(params=["grpc", "handler"])
def channel(go_channel: Callable[[str], Channel], request: pytest.FixtureRequest) -> Channel:
    return go_channel(request.param)


def test_a_unary_call_is_answered(channel: Channel) -> None:
    assert channel.call("/tunnel.Test/Echo", b"hello") == b"hello"


def test_an_empty_message_is_a_message(channel: Channel) -> None:
    assert channel.call("/tunnel.Test/Echo", b"") == b""


def test_64_mib_go_out(channel: Channel) -> None:
    call = channel.stream("/tunnel.Test/Collect")
    for _ in range(2048):
        call.send(bytes(32768))
    call.close_send()
    assert (call.receive(), call.receive()) == (b"2048 67108864", None)


def test_20000_small_messages_go_out(channel: Channel) -> None:
    call = channel.stream("/tunnel.Test/Collect")
    for _ in range(20000):
        call.send(bytes(100))
    call.close_send()
    assert (call.receive(), call.receive()) == (b"20000 2000000", None)


@pytest.mark.parametrize(("count", "size"), [(2048, 32768), (20000, 100), (4, 2**24)])
def test_what_a_server_streams_comes_in(channel: Channel, count: int, size: int) -> None:
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


def test_an_error_arrives_with_its_details(channel: Channel) -> None:
    failure = {"code": 9, "message": "50 % für\nnichts", "details": ["one", "two"]}
    with pytest.raises(RemoteError) as caught:
        channel.call("/tunnel.Test/Fail", json.dumps(failure).encode())
    assert (caught.value.code, caught.value.message) == (9, "50 % für\nnichts")
    assert caught.value.details == (
        b"\x0a\x09test/text\x12\x03one",
        b"\x0a\x09test/text\x12\x03two",
    )


def test_large_details_arrive_whole(channel: Channel) -> None:
    failure = {"code": 2, "message": "m", "details": ["x" * 100_000]}
    with pytest.raises(RemoteError) as caught:
        channel.call("/tunnel.Test/Fail", json.dumps(failure).encode())
    assert [len(detail) for detail in caught.value.details] == [100_015]


def test_an_unknown_method_is_an_error(channel: Channel) -> None:
    with pytest.raises(RemoteError, match="no such method") as caught:
        channel.call("/tunnel.Test/Nothing", b"")
    assert caught.value.code == 12


def test_a_timeout_cancels_the_call_and_spares_the_connection(channel: Channel) -> None:
    with pytest.raises(CancelledError, match="deadline"):
        channel.call("/tunnel.Test/Sleep", b"60000", timeout=0.05)
    assert channel.call("/tunnel.Test/Echo", b"still here") == b"still here"


def test_a_cancelled_call_spares_the_connection(channel: Channel) -> None:
    call = channel.stream("/tunnel.Test/Chat")
    call.send(b"a")
    assert call.receive() == b"a"
    call.cancel()
    with pytest.raises(CancelledError):
        call.receive()
    assert channel.call("/tunnel.Test/Echo", b"still here") == b"still here"


def test_metadata_arrives(channel: Channel) -> None:
    pairs = [("Dir-Name", "context"), ("patterns", "a"), ("patterns", "b"), ("blob-bin", "AP8")]
    answer = json.loads(channel.call("/tunnel.Test/Metadata", b"", metadata=pairs))
    shown = {name: answer[name] for name in ("dir-name", "patterns", "blob-bin")}
    assert shown == {"dir-name": ["context"], "patterns": ["a", "b"], "blob-bin": ["\x00\ufffd"]}


def test_100_calls_run_at_the_same_time(channel: Channel) -> None:
    messages = [bytes([number]) * 100_000 for number in range(100)]
    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda m: channel.call("/tunnel.Test/Echo", m), messages))
    assert answers == messages
