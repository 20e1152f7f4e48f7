"""The child of a fork lets go of the parent's connections, and says so."""

from __future__ import annotations

import gc
import os
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from llb.errors import TransportError
from llb.grpc import Channel, Server, ServerCall, memory_pair, socket_pipe
from llb.grpc.forks import _REGISTERED, ForkedError
from tests.fakes.forks import in_child
from tests.timing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb.grpc import Pipe

METHOD = "/service/Method"
MESSAGE = "the connection was opened before a fork, and belongs to the parent process"


def fails(function: Callable[[], object]) -> None:
    with pytest.raises(ForkedError) as caught:
        function()
    assert caught.value.message == MESSAGE


def socket_pair() -> tuple[Pipe, Pipe]:
    here, there = socket.socketpair()
    return socket_pipe(here), socket_pipe(there)


@pytest.fixture(params=[socket_pair, memory_pair])
def peers(request: pytest.FixtureRequest) -> Iterator[tuple[Channel, threading.Event]]:
    """A channel, and an event without which the server does not answer."""
    here, there = request.param()
    answering = threading.Event()

    def handle(call: ServerCall) -> None:
        call.receive()
        answering.wait(SECONDS)
        call.send(b"answer")

    server = Server(there, {METHOD: handle})

    def serve() -> None:
        with suppress(TransportError):
            server.serve()

    thread = threading.Thread(target=serve)
    thread.start()
    channel = Channel(here)
    yield channel, answering
    channel.close()
    server.close()
    thread.join(SECONDS)
    assert not thread.is_alive()


def test_an_open_call_fails_in_the_child_and_goes_on_in_the_parent(
    peers: tuple[Channel, threading.Event],
) -> None:
    channel, answering = peers
    call = channel.stream(METHOD, timeout=SECONDS)
    call.send(b"request")
    call.close_send()

    def work() -> None:
        fails(call.receive)
        fails(lambda: call.send(b"more"))
        call.flush()
        call.close_send()
        call.cancel()

    in_child(work)
    answering.set()
    assert call.receive() == b"answer"
    assert call.receive() is None


def test_a_channel_accepts_no_calls_in_the_child_and_can_be_closed_there(
    peers: tuple[Channel, threading.Event],
) -> None:
    channel, answering = peers
    answering.set()

    def work() -> None:
        assert not channel.is_open
        fails(lambda: channel.call(METHOD, b"request"))
        channel.close()
        channel.close()

    in_child(work)
    assert channel.is_open
    assert channel.call(METHOD, b"request", timeout=SECONDS) == b"answer"


def test_a_lock_that_another_thread_holds_does_not_stop_the_child() -> None:
    here, there = socket.socketpair()
    channel = Channel(socket_pipe(here))
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with channel._endpoint.lock:
            held.set()
            release.wait(SECONDS)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(SECONDS)

    def work() -> None:
        fails(lambda: channel.call(METHOD, b""))
        channel.close()

    in_child(work)
    release.set()
    thread.join(SECONDS)
    channel.close()
    there.close()


def test_a_server_ends_in_the_child() -> None:
    here, there = socket.socketpair()
    server = Server(socket_pipe(here), {})

    def work() -> None:
        fails(server.serve)
        server.close()

    in_child(work)
    assert server.failure is None
    server.close()
    there.close()


def test_a_pipe_is_closed_in_the_child_alone() -> None:
    here, there = socket.socketpair()
    pipe, peer = socket_pipe(here), socket_pipe(there)
    descriptor = pipe._read_fd  # type: ignore[attr-defined] # every pipe over a descriptor has it

    def work() -> None:
        fails(pipe.read)
        fails(lambda: pipe.write(b"x"))
        pipe.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)

    in_child(work)
    pipe.write(b"hello")
    assert peer.read() == b"hello"
    pipe.close()
    in_child(pipe.close)
    peer.close()


def test_a_pipe_closes_while_a_process_has_copies_of_its_descriptors() -> None:
    here, there = socket.socketpair()
    pipe = socket_pipe(here)
    waker = pipe._waker  # type: ignore[attr-defined] # every pipe over a descriptor has it
    copies = [os.dup(fd) for fd in (waker._woken, waker._signal)]
    reader = threading.Thread(target=pipe.read)
    reader.start()
    pipe.close()
    reader.join(SECONDS)
    assert not reader.is_alive()
    for fd in copies:
        os.close(fd)
    there.close()


def test_nothing_is_kept_for_later_forks() -> None:
    gc.collect()
    before = len(_REGISTERED)
    here, there = socket.socketpair()
    pipe = socket_pipe(here)
    assert len(_REGISTERED) == before + 1
    pipe.close()
    del pipe
    gc.collect()
    assert len(_REGISTERED) <= before
    there.close()
