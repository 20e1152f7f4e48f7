"""The files that take the output of a process."""

from __future__ import annotations

import io

import pytest

from llb.errors import TransportError
from llb.gateway.exec_stream import STDERR, STDOUT
from llb.gateway.process_io import Flow, Outputs


def test_a_pipe_is_read_up_to_its_end() -> None:
    outputs = Outputs(Flow())
    pipe = outputs.add(STDOUT, "pipe")
    assert pipe is not None
    outputs.write(STDOUT, b"one")
    assert pipe.read1() == b"one"
    outputs.write(STDOUT, b"two")
    outputs.end(STDOUT, None)
    assert pipe.read() == b"two"


def test_a_pipe_of_two_descriptors_ends_with_the_second() -> None:
    outputs = Outputs(Flow())
    pipe = outputs.add(STDOUT, "pipe")
    assert outputs.add(STDERR, "stdout") is None
    assert pipe is not None
    outputs.write(STDOUT, b"out,")
    outputs.end(STDOUT, None)
    outputs.write(STDERR, b"err")
    outputs.end(STDERR, None)
    assert pipe.read() == b"out,err"


def test_an_error_is_raised_after_the_output_before_it() -> None:
    outputs = Outputs(Flow())
    pipe = outputs.add(STDOUT, "pipe")
    assert pipe is not None
    outputs.write(STDOUT, b"before")
    outputs.end(STDOUT, TransportError("the connection broke"))
    assert pipe.read1() == b"before"
    with pytest.raises(TransportError, match="the connection broke"):
        pipe.read1()


def test_a_file_of_the_caller_is_written_and_stays_open() -> None:
    outputs = Outputs(Flow())
    file = io.BytesIO()
    assert outputs.add(STDOUT, file) is None
    assert outputs.add(STDERR, "stdout") is None
    for fd, data in ((STDOUT, b"out,"), (STDERR, b"err")):
        outputs.write(fd, data)
        outputs.end(fd, None)
    assert file.getvalue() == b"out,err"


def test_discarded_errors_are_served_for_the_error_of_the_process() -> None:
    outputs = Outputs(Flow())
    outputs.add(STDOUT, "discard")
    outputs.add(STDERR, "discard")
    assert outputs.fds == (STDERR,)
    outputs.write(STDERR, b"why")
    outputs.end(STDERR, None)
