"""The output of a process in a container arrives in frames, and its end is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llb.client.connect.docker.exec_pipe import ExecPipe, frames
from llb.errors import TransportError
from llb.grpc import memory_pair

if TYPE_CHECKING:
    from collections.abc import Callable


def frame(stream: int, data: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def run(*output: bytes, exit_code: int | None = 0) -> ExecPipe:
    """Create the pipe of a process that writes this output, and ends."""
    ours, theirs = memory_pair()
    for data in output:
        theirs.write(data)
    theirs.close()
    return ExecPipe(ours, "builder", lambda: exit_code)


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(min_size=1))),
    st.lists(st.integers(1, 20)),
)
def test_frames_may_be_cut_anywhere(output: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = b"".join(frame(*item) for item in output)
    pieces = []
    for size in cuts:
        pieces.append(data[:size])
        data = data[size:]
    pieces = [piece for piece in (*pieces, data) if piece]
    read: Callable[[], bytes] = iter([*pieces, b""]).__next__
    received: dict[int, bytes] = {1: b"", 2: b""}
    for stream, piece in frames(read):
        received[stream] += piece
    assert received == {
        stream: b"".join(piece for number, piece in output if number == stream)
        for stream in received
    }


def test_the_standard_output_is_read() -> None:
    pipe = run(frame(1, b"\0first"), frame(2, b"") + frame(1, b"second"))
    assert [pipe.read() for _ in range(3)] == [b"\0first", b"second", b""]


@pytest.mark.parametrize(
    ("output", "exit_code", "message"),
    [
        (
            (frame(1, b'exec failed: "buildctl": executable file not found in $PATH\r\n'),),
            126,
            "the container builder has no buildctl",
        ),
        ((frame(1, b"220 mail  ready\r\n"),), 0, "docker says: 220 mail ready"),
        (
            (frame(2, b"no such\nsocket"),),
            1,
            "buildctl in the container builder ended with exit status 1: no such socket",
        ),
        ((), 137, "buildctl in the container builder ended with exit status 137"),
        ((frame(2, b"dead"),), None, "buildctl in the container builder ended: dead"),
    ],
)
def test_a_process_that_fails_is_an_error(
    output: tuple[bytes, ...], exit_code: int | None, message: str
) -> None:
    with pytest.raises(TransportError) as caught:
        run(*output, exit_code=exit_code).read()
    assert caught.value.message == message


def test_the_end_of_docker_is_an_end() -> None:
    assert run(exit_code=None).read() == b""


def test_a_pipe_that_we_closed_needs_no_explanation() -> None:
    pipe = run(exit_code=1)
    pipe.close()
    assert pipe.read() == b""
