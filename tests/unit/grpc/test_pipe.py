"""Pipes over descriptors, sockets and memory."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable

import pytest

from llb.errors import TransportError
from llb.grpc import Pipe, memory_pair, socket_pipe, stdio_pipe
from tests.timing import SECONDS


def descriptor_pair() -> tuple[Pipe, Pipe]:
    read_here, write_there = os.pipe()
    read_there, write_here = os.pipe()
    return stdio_pipe(read_here, write_here), stdio_pipe(read_there, write_there)


def socket_pair() -> tuple[Pipe, Pipe]:
    here, there = socket.socketpair()
    return socket_pipe(here), socket_pipe(there)


Pair = Callable[[], tuple[Pipe, Pipe]]
every_kind = pytest.mark.parametrize("pair", [descriptor_pair, socket_pair, memory_pair])


def in_thread(run: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Start ``run`` in a thread; its result or error is appended to the list."""
    results: list[object] = []

    def target() -> None:
        try:
            results.append(run())
        except TransportError as error:
            results.append(str(error))

    thread = threading.Thread(target=target)
    thread.start()
    return thread, results


@every_kind
def test_written_bytes_are_read(pair: Pair) -> None:
    here, there = pair()
    data = os.urandom(5_000_000)
    writer, _ = in_thread(lambda: here.write(data))
    received = bytearray()
    while len(received) < len(data):
        received += there.read()
    writer.join()
    here.close()
    assert (bytes(received) == data, there.read()) == (True, b"")
    there.close()


@every_kind
def test_closing_wakes_a_reader(pair: Pair) -> None:
    here, there = pair()
    reader, results = in_thread(here.read)
    here.close()
    reader.join(SECONDS)
    assert results == [b""]
    there.close()


@every_kind
def test_closing_wakes_a_writer(pair: Pair) -> None:
    here, there = pair()

    def fill() -> None:
        while True:
            here.write(bytes(2**20))

    writer, results = in_thread(fill)
    assert there.read()
    here.close()
    writer.join(SECONDS)
    assert len(results) == 1
    assert isinstance(results[0], str)
    there.close()


@every_kind
def test_writing_to_a_closed_end_is_an_error(pair: Pair) -> None:
    here, there = pair()
    there.close()
    # A socket accepts bytes until it learns that the other end is closed.
    with pytest.raises(TransportError):  # noqa: PT012
        for _ in range(10):
            here.write(b"data")
    here.close()


@every_kind
def test_a_pipe_may_be_closed_twice(pair: Pair) -> None:
    here, there = pair()
    for end in (here, here, there, there):
        end.close()
    assert here.read() == b""
    with pytest.raises(TransportError, match="pipe is closed"):
        here.write(b"data")
