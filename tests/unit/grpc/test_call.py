"""Calls between our channel and our server."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from llb.errors import CancelledError, LLBError, RemoteError
from llb.grpc import Channel, Server, ServerCall, memory_pair
from llb.grpc.endings import DeadlineError
from llb.grpc.http2.events import Limits
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable


def echo(call: ServerCall) -> None:
    while (message := call.receive()) is not None:
        call.send(message)


def failing(error: Exception) -> Callable[[ServerCall], None]:
    def handler(_call: ServerCall) -> None:
        raise error

    return handler


def outcome(channel: Channel, method: str) -> tuple[int, str, tuple[bytes, ...]]:
    with pytest.raises(RemoteError) as caught:
        channel.call(method, b"")
    return caught.value.code, caught.value.message, caught.value.details


def test_a_unary_call_returns_its_response(connect: Callable[..., Channel]) -> None:
    assert connect({"/s/echo": echo}).call("/s/echo", b"hello") == b"hello"


def test_a_handler_sees_method_and_metadata(connect: Callable[..., Channel]) -> None:
    def handler(call: ServerCall) -> None:
        names = {name: call.metadata[name] for name in ("dir-name", "pattern", "content-type")}
        call.send(repr((call.method, names)).encode())

    pairs = [("Dir-Name", "context"), ("pattern", "a"), ("pattern", "b")]
    answer = connect({"/s/m": handler}).call("/s/m", b"", metadata=pairs)
    assert eval(answer) == (
        "/s/m",
        {
            "dir-name": ("context",),
            "pattern": ("a", "b"),
            "content-type": ("application/grpc",),
        },
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RemoteError("no: ü%", code=5, details=(b"x",)), (5, "no: ü%", (b"x",))),
        (CancelledError("never mind"), (1, "never mind", ())),
        (LLBError("bad input"), (2, "bad input", ())),
        (ValueError("bad value"), (2, "bad value", ())),
        (ValueError(), (2, "ValueError", ())),
    ],
)
def test_an_exception_of_a_handler_becomes_a_status(
    connect: Callable[..., Channel], error: Exception, expected: tuple[int, str, tuple[bytes, ...]]
) -> None:
    assert outcome(connect({"/s/m": failing(error)}), "/s/m") == expected


def test_an_exception_after_a_message_becomes_a_status(connect: Callable[..., Channel]) -> None:
    def handler(call: ServerCall) -> None:
        call.send(b"one")
        raise RemoteError("then no more", code=9)

    call = connect({"/s/m": handler}).stream("/s/m")
    assert call.receive() == b"one"
    with pytest.raises(RemoteError, match="then no more"):
        call.receive()


def test_details_above_the_limit_of_the_peer_are_dropped(connect: Callable[..., Channel]) -> None:
    error = RemoteError("much", code=9, details=(bytes(2**20),))
    assert outcome(connect({"/s/m": failing(error)}), "/s/m") == (9, "much", ())


def test_an_unknown_method_is_unimplemented(connect: Callable[..., Channel]) -> None:
    assert outcome(connect({}), "/s/m") == (12, "unknown method /s/m", ())


def test_unknown_handles_unknown_methods(connect: Callable[..., Channel]) -> None:
    def handler(call: ServerCall) -> None:
        call.send(call.method.encode())

    assert connect({}, unknown=handler).call("/s/any", b"") == b"/s/any"


@pytest.mark.parametrize("count", [0, 2])
def test_a_unary_call_expects_exactly_one_response(
    connect: Callable[..., Channel], count: int
) -> None:
    def handler(call: ServerCall) -> None:
        for _ in range(count):
            call.send(b"")

    assert outcome(connect({"/s/m": handler}), "/s/m") == (
        13,
        "call did not have one response",
        (),
    )


def test_messages_need_no_flush(connect: Callable[..., Channel]) -> None:
    may_end = threading.Event()

    def handler(call: ServerCall) -> None:
        call.send(b"early")
        may_end.wait(SECONDS)

    call = connect({"/s/m": handler}).stream("/s/m")
    assert call.receive() == b"early"
    may_end.set()
    assert call.receive() is None


def test_one_thread_sends_while_another_receives(connect: Callable[..., Channel]) -> None:
    call = connect({"/s/echo": echo}).stream("/s/echo")
    messages = [bytes([number]) * 50_000 for number in range(200)]

    def send() -> None:
        for message in messages:
            call.send(message)
        call.close_send()

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        received = []
        while (message := call.receive()) is not None:
            received.append(message)
        sending.result()
    assert received == messages


def test_a_message_larger_than_the_window_arrives(connect: Callable[..., Channel]) -> None:
    channel = connect({"/s/echo": echo}, limits=Limits(stream_window=1000))
    assert channel.call("/s/echo", bytes(10**6)) == bytes(10**6)


def test_a_handler_that_does_not_read_blocks_only_its_own_sender(
    connect: Callable[..., Channel],
) -> None:
    may_read = threading.Event()

    def slow(call: ServerCall) -> None:
        may_read.wait(SECONDS)
        call.send(b"%d" % len(call.receive() or b""))

    channel = connect({"/s/slow": slow, "/s/echo": echo}, limits=Limits(stream_window=1000))
    call = channel.stream("/s/slow")
    call.send(bytes(400_000))
    assert channel.call("/s/echo", b"hello") == b"hello"
    may_read.set()
    assert call.receive() == b"400000"


def test_a_message_above_the_limit_of_the_server_is_refused(
    connect: Callable[..., Channel],
) -> None:
    channel = connect({"/s/echo": echo}, max_message_size=10)
    with pytest.raises(RemoteError) as caught:
        channel.call("/s/echo", bytes(11))
    assert (caught.value.code, caught.value.message) == (
        8,
        "message of 11 bytes is larger than the limit of 10",
    )
    assert channel.call("/s/echo", bytes(10)) == bytes(10)


def test_calls_above_the_limit_of_streams_wait(
    connect: Callable[..., Channel],
) -> None:
    channel = connect({"/s/echo": echo}, limits=Limits(streams=2))
    channel.call("/s/echo", b"")  # Now the client knows the limit.
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: channel.call("/s/echo", b"%d" % n), range(100)))
    assert answers == [b"%d" % number for number in range(100)]


def test_a_call_no_longer_counts_once_its_answer_arrives(
    connect: Callable[..., Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = connect({"/s/echo": echo}, limits=Limits(streams=1))
    finish = ServerCall.finish
    answered = threading.Event()

    def finish_and_stay(call: ServerCall, error: RemoteError | None) -> None:
        finish(call, error)
        # The handler's thread continues after the peer has its answer.
        answered.wait(SECONDS)

    monkeypatch.setattr(ServerCall, "finish", finish_and_stay)
    assert channel.call("/s/echo", b"one") == b"one"
    assert channel.call("/s/echo", b"two") == b"two"
    answered.set()


def test_a_call_that_waits_too_long_for_a_stream_is_cancelled(
    connect: Callable[..., Channel],
) -> None:
    channel = connect({"/s/echo": echo}, limits=Limits(streams=1))
    channel.call("/s/echo", b"")
    held = channel.stream("/s/echo")
    with pytest.raises(CancelledError, match="deadline of the call has passed"):
        channel.call("/s/echo", b"", timeout=0.01)
    held.cancel()


def test_a_deadline_cancels_the_handler_too(connect: Callable[..., Channel]) -> None:
    over = threading.Event()

    def handler(call: ServerCall) -> None:
        call.send(b"ready")
        try:
            while call.receive() is not None:
                pass
        except CancelledError:
            over.set()
            raise

    call = connect({"/s/m": handler}).stream("/s/m", timeout=SECONDS)
    assert call.receive() == b"ready"
    # A short timeout could pass before the handler starts.
    call._deadline = monotonic() + 0.05
    with pytest.raises(DeadlineError, match="deadline of the call has passed"):
        call.receive()
    assert over.wait(SECONDS)


def test_a_handler_may_notice_the_deadline_first(connect: Callable[..., Channel]) -> None:
    seen: list[str] = []
    over = threading.Event()

    def handler(call: ServerCall) -> None:
        try:
            call.receive()
        except CancelledError as error:
            seen.append(str(error))
        over.set()

    channel = connect({"/s/m": handler, "/s/echo": echo})
    call = channel.stream("/s/m", timeout=0.05)
    call.flush()
    assert over.wait(SECONDS)
    # After this call the status of the handler's call has been read too.
    channel.call("/s/echo", b"")
    assert seen == ["deadline of the call has passed"]
    with pytest.raises(DeadlineError, match="deadline of the call has passed"):
        call.receive()


def test_a_deadline_ends_a_blocked_send(connect: Callable[..., Channel]) -> None:
    may_end = threading.Event()

    def handler(_call: ServerCall) -> None:
        may_end.wait(SECONDS)

    channel = connect({"/s/m": handler}, limits=Limits(stream_window=1000))
    call = channel.stream("/s/m", timeout=0.05)
    with pytest.raises(CancelledError, match="deadline of the call has passed"):
        call.send(bytes(2**21))
    may_end.set()


def test_a_cancelled_call_cancels_its_handler(connect: Callable[..., Channel]) -> None:
    seen: list[str] = []
    over = threading.Event()

    def handler(call: ServerCall) -> None:
        call.send(b"ready")
        try:
            call.receive()
        except CancelledError as error:
            seen.append(str(error))
            over.set()

    call = connect({"/s/m": handler}).stream("/s/m")
    assert call.receive() == b"ready"
    call.cancel()
    assert over.wait(SECONDS)
    assert seen == ["call was cancelled by the peer"]
    with pytest.raises(CancelledError, match="call was cancelled"):
        call.send(b"more")


def test_a_call_that_the_server_ended_early_drops_further_messages(
    connect: Callable[..., Channel],
) -> None:
    def handler(call: ServerCall) -> None:
        call.send(b"enough")

    channel = connect({"/s/m": handler})
    call = channel.stream("/s/m")
    assert (call.receive(), call.receive()) == (b"enough", None)
    call.send(bytes(2**21))
    call.close_send()
    call.cancel()
    assert call.receive() is None


def test_a_response_of_half_a_gibibyte_is_streamed(
    connect: Callable[..., Channel],
) -> None:
    def handler(call: ServerCall) -> None:
        for _ in range(512):
            call.send(bytes(2**20))

    call = connect({"/s/m": handler}).stream("/s/m")
    total = 0
    while (message := call.receive()) is not None:
        total += len(message)
    assert total == 2**29


def test_both_roles_run_over_one_pair_and_close_twice() -> None:
    here, there = memory_pair()
    server = Server(there, {"/s/echo": echo})
    with ThreadPoolExecutor(1) as pool:
        serving = pool.submit(server.serve)
        channel = Channel(here)
        assert channel.call("/s/echo", b"hello") == b"hello"
        server.close()
        server.close()
        assert serving.result(SECONDS) is None
        channel.close()
        channel.close()


def test_the_text_of_an_unexpected_exception_stays_here_if_somebody_gets_it(
    connect: Callable[..., Channel],
) -> None:
    caught: list[Exception] = []
    error = ValueError("a secret")
    channel = connect({"/s/Fail": failing(error)}, on_error=caught.append)
    assert outcome(channel, "/s/Fail") == (2, "the client raised ValueError", ())
    assert caught == [error]
