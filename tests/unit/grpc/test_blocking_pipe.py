"""A pipe whose descriptors nobody can wait for."""

from __future__ import annotations

import os
import threading

import pytest

from llb.errors import TransportError
from llb.grpc.blocking_pipe import BlockingPipe
from tests.timing import SECONDS


def peers() -> tuple[BlockingPipe, int, int]:
    """Open a pipe; return it, and the descriptors that read from it and write to it."""
    read_here, write_there = os.pipe()
    read_there, write_here = os.pipe()
    return BlockingPipe(read_here, write_here), read_there, write_there


def read_all(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def test_bytes_pass_in_both_directions_until_the_ends() -> None:
    pipe, read_there, write_there = peers()
    os.write(write_there, b"hello")
    assert pipe.read() == b"hello"
    pipe.write(b"how ")
    pipe.write(b"")
    pipe.write(b"are you")
    os.close(write_there)
    assert pipe.read() == b""
    pipe.close()
    assert read_all(read_there) == b"how are you"
    pipe.close()


def test_what_was_taken_is_written_before_the_close() -> None:
    pipe, read_there, write_there = peers()
    data = os.urandom(2**19)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(read_all(read_there)))
    reader.start()
    pipe.write(data)
    pipe.close()
    reader.join(SECONDS)
    assert received == [data]
    os.close(write_there)


def test_closing_wakes_a_reader_although_the_other_end_stays_open() -> None:
    pipe, read_there, write_there = peers()
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read()))
    reader.start()
    pipe.close()
    reader.join(SECONDS)
    assert received == [b""]
    with pytest.raises(TransportError, match="pipe is closed"):
        pipe.write(b"x")
    os.close(read_there)
    os.close(write_there)


def test_a_failure_of_writing_is_one_of_the_calls_that_follow() -> None:
    pipe, read_there, write_there = peers()
    os.close(read_there)
    pipe.write(b"x")
    pipe._writer.join(SECONDS)
    with pytest.raises(TransportError, match="writing failed: Broken pipe"):
        pipe.write(b"x")
    os.close(write_there)
    pipe.close()


def test_a_failure_of_reading_is_an_error() -> None:
    read_there, write_here = os.pipe()
    folder = os.open(".", os.O_RDONLY)
    pipe = BlockingPipe(folder, write_here)
    with pytest.raises(TransportError, match="reading failed: Is a directory"):
        pipe.read()
    pipe.close()
    os.close(read_there)
