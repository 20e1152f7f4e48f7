"""The state machine of a process in a container, without a daemon and without threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import status_pb2

from llb._pb import gateway_pb2 as pb
from llb._pb import ops_pb2
from llb.errors import (
    CancelledError,
    InputError,
    InvalidValueError,
    LLBError,
    RemoteError,
    TransportError,
)
from llb.gateway.exec_stream import (
    STDERR,
    STDIN,
    STDOUT,
    Completed,
    ExecStream,
    HalfClose,
    OutputEnded,
    OutputReceived,
    Reply,
    Started,
    State,
)
from llb.grpc import Code

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.gateway.exec_stream import Event

ID = "container:1"
ALL_FDS = (STDIN, STDOUT, STDERR)
BROKEN = TransportError("the connection broke")
UNREADABLE = InputError("cannot read the input of process 'x y'")
STARTED = pb.ExecMessage(ProcessID=ID, Started=pb.StartedMessage())
DONE = pb.ExecMessage(ProcessID=ID, Done=pb.DoneMessage())
INPUT_END = pb.ExecMessage(ProcessID=ID, File=pb.FdMessage(Fd=STDIN, EOF=True))


def new_stream(*, fds: tuple[int, ...] = ALL_FDS, tty: bool = False) -> ExecStream:
    meta = ops_pb2.Meta(args=["x", "y"])
    return ExecStream(ID, pb.InitMessage(ContainerID="container", Meta=meta, Fds=fds, Tty=tty))


def output(fd: int, data: bytes = b"", *, end: bool = False) -> pb.ExecMessage:
    return pb.ExecMessage(ProcessID=ID, File=pb.FdMessage(Fd=fd, Data=data, EOF=end))


def exited(code: int = 0, error: status_pb2.Status | None = None) -> pb.ExecMessage:
    return pb.ExecMessage(ProcessID=ID, Exit=pb.ExitMessage(Code=code, Error=error))


def receive(stream: ExecStream, *messages: pb.ExecMessage) -> list[Event]:
    return [event for message in messages for event in stream.receive(message)]


def starting() -> ExecStream:
    return new_stream()


def running() -> ExecStream:
    stream = new_stream()
    receive(stream, STARTED)
    return stream


def closing() -> ExecStream:
    stream = running()
    receive(stream, DONE)
    return stream


def has_exited() -> ExecStream:
    stream = running()
    receive(stream, exited(3))
    return stream


def settled() -> ExecStream:
    stream = has_exited()
    stream.settle(None)
    return stream


def never_started() -> ExecStream:
    stream = starting()
    stream.settle(BROKEN)
    return stream


REACH: dict[State, Callable[[], ExecStream]] = {
    State.STARTING: starting,
    State.RUNNING: running,
    State.CLOSING: closing,
    State.EXITED: has_exited,
    State.SETTLED: settled,
    State.NEVER_STARTED: never_started,
}
# Every message that a daemon can send, and how each state handles it.
MESSAGES = {
    "Started": STARTED,
    "File": output(STDOUT, b"data"),
    "Exit": exited(),
    "Done": DONE,
    "empty": pb.ExecMessage(ProcessID=ID),
    "Init": pb.ExecMessage(ProcessID=ID, Init=pb.InitMessage()),
    "Signal": pb.ExecMessage(ProcessID=ID, Signal=pb.SignalMessage(Name="HUP")),
    "Resize": pb.ExecMessage(ProcessID=ID, Resize=pb.ResizeMessage(Rows=1, Cols=1)),
}
WRITTEN = OutputReceived(STDOUT, b"data")
TRANSITIONS: dict[tuple[State, str], tuple[State, list[Event]]] = {
    (State.STARTING, "Started"): (State.RUNNING, [Started()]),
    (State.RUNNING, "File"): (State.RUNNING, [WRITTEN]),
    (State.RUNNING, "Exit"): (State.EXITED, [Reply(INPUT_END)]),
    (State.RUNNING, "Done"): (State.CLOSING, [HalfClose()]),
    (State.CLOSING, "File"): (State.CLOSING, [WRITTEN]),
    (State.CLOSING, "Exit"): (State.EXITED, []),
    (State.EXITED, "File"): (State.EXITED, [WRITTEN]),
    (State.EXITED, "Done"): (State.EXITED, [HalfClose()]),
}
PAIRS = [(state, kind) for state in State for kind in MESSAGES]


def test_every_state_can_be_reached() -> None:
    assert {state: reach().state for state, reach in REACH.items()} == {
        state: state for state in State
    }


@pytest.mark.parametrize(("state", "kind"), PAIRS, ids=str)
def test_a_message_moves_the_process_on_or_is_an_error(state: State, kind: str) -> None:
    stream = REACH[state]()
    if (state, kind) in TRANSITIONS:
        next_state, events = TRANSITIONS[state, kind]
        assert stream.receive(MESSAGES[kind]) == events
        assert stream.state is next_state
        return
    with pytest.raises(TransportError) as caught:
        stream.receive(MESSAGES[kind])
    expected = f"unexpected {kind} message from the daemon: process 'x y' {state.value}"
    assert caught.value.message == expected
    assert stream.state is state


@pytest.mark.parametrize("state", State)
def test_a_message_about_another_process_is_an_error(state: State) -> None:
    message = pb.ExecMessage(ProcessID="other", Started=pb.StartedMessage())
    with pytest.raises(TransportError, match="unknown process ID from the daemon: 'other'"):
        REACH[state]().receive(message)


@pytest.mark.parametrize(
    ("fds", "fd"),
    [(ALL_FDS, STDIN), (ALL_FDS, 5), ((STDIN, STDOUT), STDERR), ((STDIN, STDERR), STDOUT)],
)
def test_output_for_a_descriptor_that_is_not_served_is_an_error(
    fds: tuple[int, ...], fd: int
) -> None:
    stream = new_stream(fds=fds)
    receive(stream, STARTED)
    reason = f"file descriptor {fd} of process 'x y' is not open"
    with pytest.raises(TransportError, match=reason):
        stream.receive(output(fd, b"?"))


def test_output_after_the_end_of_its_descriptor_is_an_error() -> None:
    stream = running()
    assert stream.receive(output(STDOUT, b"last", end=True)) == [
        OutputReceived(STDOUT, b"last"),
        OutputEnded(STDOUT),
    ]
    with pytest.raises(TransportError, match="file descriptor 1 of process 'x y' is not open"):
        stream.receive(output(STDOUT, b"late"))
    assert stream.receive(output(STDERR, b"other")) == [OutputReceived(STDERR, b"other")]


def test_the_first_message_says_what_to_run() -> None:
    stream = new_stream()
    meta = ops_pb2.Meta(args=["x", "y"])
    init = pb.InitMessage(ContainerID="container", Meta=meta, Fds=ALL_FDS)
    assert stream.start() == pb.ExecMessage(ProcessID=ID, Init=init)
    assert stream.state is State.STARTING


# Whole lives.


def test_a_process_is_complete_with_its_exit_code_all_output_and_done() -> None:
    stream = running()
    assert receive(
        stream,
        output(STDOUT, b"out"),
        exited(3),
        output(STDOUT, end=True),
        output(STDERR, end=True),
        DONE,
    ) == [
        OutputReceived(STDOUT, b"out"),
        Reply(INPUT_END),
        OutputEnded(STDOUT),
        OutputEnded(STDERR),
        Completed(),
        HalfClose(),
    ]
    assert (stream.exit_code, stream.is_over) == (None, False)
    assert stream.settle(None) == []
    assert (stream.exit_code, stream.failure, stream.is_over) == (3, None, True)


def test_output_after_the_exit_code_is_output() -> None:
    stream = has_exited()
    assert receive(stream, output(STDOUT, b"late"), output(STDERR, b"later")) == [
        OutputReceived(STDOUT, b"late"),
        OutputReceived(STDERR, b"later"),
    ]


def test_done_before_the_end_of_output_leaves_the_end_to_the_call() -> None:
    stream = has_exited()
    assert receive(stream, DONE, output(STDOUT, b"late", end=True)) == [
        HalfClose(),
        OutputReceived(STDOUT, b"late"),
        OutputEnded(STDOUT),
    ]
    assert stream.settle(None) == [OutputEnded(STDERR)]
    assert stream.exit_code == 3


def test_done_before_the_exit_code_is_accepted() -> None:
    stream = closing()
    assert receive(stream, exited(4), output(STDOUT, b"late")) == [OutputReceived(STDOUT, b"late")]
    assert stream.settle(RemoteError("io: read/write on closed pipe", code=2)) == [
        OutputEnded(STDOUT),
        OutputEnded(STDERR),
    ]
    assert stream.exit_code == 4


def test_a_process_without_files_is_complete_when_it_is_done() -> None:
    stream = new_stream(fds=())
    assert receive(stream, STARTED, exited(), DONE) == [Started(), Completed(), HalfClose()]


# Input, signals, sizes.


def test_input_is_sent_until_it_ends() -> None:
    stream = running()
    assert stream.send_input(b"data") == output(STDIN, b"data")
    assert stream.end_input() == INPUT_END
    assert stream.send_input(b"late") is None
    assert stream.end_input() is None


def test_half_closed_input_leaves_signals_and_output_open() -> None:
    stream = running()
    stream.end_input()
    assert stream.send_signal("HUP") == MESSAGES["Signal"]
    # The daemon knows that the input has ended, and needs no reply.
    assert receive(stream, output(STDOUT, b"data"), exited()) == [WRITTEN]


def test_the_end_of_no_input_is_not_sent() -> None:
    stream = new_stream(fds=(STDOUT, STDERR))
    receive(stream, STARTED)
    assert stream.send_input(b"data") is None
    assert stream.end_input() is None
    assert stream.receive(exited()) == []


SEND: dict[str, Callable[[ExecStream], pb.ExecMessage | None]] = {
    "File": lambda stream: stream.send_input(b"data"),
    "EOF": ExecStream.end_input,
    "Signal": lambda stream: stream.send_signal("HUP"),
    "Resize": lambda stream: stream.send_resize(1, 1),
}


@pytest.mark.parametrize("kind", SEND)
def test_nothing_is_sent_before_the_start(kind: str) -> None:
    stream = new_stream(tty=True)
    with pytest.raises(InvalidValueError) as caught:
        SEND[kind](stream)
    assert caught.value.message == "process 'x y' has not started"
    # What was refused was not sent.
    receive(stream, STARTED)
    assert SEND[kind](stream) is not None


@pytest.mark.parametrize("kind", SEND)
@pytest.mark.parametrize("messages", [[DONE], [exited()], [exited(), DONE]])
def test_nothing_is_sent_to_a_process_that_has_ended(
    kind: str, messages: list[pb.ExecMessage]
) -> None:
    stream = new_stream(tty=True)
    receive(stream, STARTED, *messages)
    assert SEND[kind](stream) is None
    stream.settle(None)
    assert SEND[kind](stream) is None


@pytest.mark.parametrize("kind", SEND)
def test_nothing_is_sent_to_a_process_that_never_started(kind: str) -> None:
    stream = new_stream(tty=True)
    stream.settle(BROKEN)
    assert SEND[kind](stream) is None


def test_a_terminal_has_a_size() -> None:
    stream = new_stream(fds=(STDIN, STDOUT), tty=True)
    receive(stream, STARTED)
    size = pb.ResizeMessage(Rows=24, Cols=80)
    assert stream.send_resize(24, 80) == pb.ExecMessage(ProcessID=ID, Resize=size)


@pytest.mark.parametrize("state", State)
def test_a_process_without_a_terminal_has_no_size(state: State) -> None:
    with pytest.raises(InvalidValueError, match="process 'x y' has no terminal"):
        REACH[state]().send_resize(24, 80)


# How it ends.


@pytest.mark.parametrize(
    ("state", "end"),
    [
        (State.STARTING, State.NEVER_STARTED),
        (State.RUNNING, State.SETTLED),
        (State.CLOSING, State.SETTLED),
    ],
)
@pytest.mark.parametrize("failure", [BROKEN, None])
def test_a_process_without_an_exit_code_fails_and_cuts_its_output_off(
    state: State, end: State, failure: LLBError | None
) -> None:
    stream = REACH[state]()
    events = stream.settle(failure)
    assert stream.failure is not None
    assert events == [OutputEnded(STDOUT, stream.failure), OutputEnded(STDERR, stream.failure)]
    assert (stream.state, stream.exit_code) == (end, None)
    assert isinstance(stream.failure, TransportError)
    reason = "the daemon ended process 'x y' without an exit code"
    assert stream.failure.message == (reason if failure is None else BROKEN.message)


@pytest.mark.parametrize(
    ("failure", "is_failed"),
    [
        (None, False),
        # A daemon with input left for the process ends the call so.
        (RemoteError("io: read/write on closed pipe", code=2), False),
        (BROKEN, True),
        (BrokenPipeError("a file of the caller"), True),
    ],
)
def test_a_process_with_an_exit_code_survives_an_error_of_the_daemon_alone(
    failure: BaseException | None, is_failed: bool
) -> None:
    stream = has_exited()
    error = failure if is_failed else None
    assert stream.settle(failure) == [OutputEnded(STDOUT, error), OutputEnded(STDERR, error)]
    assert stream.failure is error
    assert stream.exit_code == (None if is_failed else 3)


@pytest.mark.parametrize("state", [State.SETTLED, State.NEVER_STARTED])
def test_the_first_end_is_kept(state: State) -> None:
    stream = REACH[state]()
    before = (stream.failure, stream.exit_code)
    assert stream.settle(TransportError("later")) == []
    stream.cancel(UNREADABLE)
    assert (stream.state, stream.failure, stream.exit_code) == (state, *before)


@pytest.mark.parametrize("state", [State.STARTING, State.RUNNING, State.CLOSING, State.EXITED])
def test_a_cancelled_process_ends_with_the_reason(state: State) -> None:
    stream = REACH[state]()
    stream.cancel(UNREADABLE)
    stream.cancel(InputError("later"))
    assert (stream.state, stream.is_over) == (state, False)
    events = stream.settle(CancelledError("call was cancelled"))
    assert stream.failure is UNREADABLE
    assert (stream.is_over, stream.exit_code) == (True, None)
    # The output of a process that has exited is not cut off by what became of its input.
    error = None if state is State.EXITED else UNREADABLE
    assert events == [OutputEnded(STDOUT, error), OutputEnded(STDERR, error)]


def test_a_cancelled_process_may_still_exit() -> None:
    stream = running()
    stream.cancel(UNREADABLE)
    assert receive(stream, exited(), output(STDOUT, b"data")) == [Reply(INPUT_END), WRITTEN]
    stream.settle(None)
    assert (stream.failure, stream.exit_code) == (UNREADABLE, None)


def exit_status(message: str, code: int = Code.UNKNOWN, detail: str = "") -> status_pb2.Status:
    details = [AnyMessage(type_url=detail, value=b"{}")] if detail else []
    return status_pb2.Status(code=code, message=message, details=details)


EXIT_DETAIL = "github.com/moby/buildkit/gatewayapi.ExitMessage+json"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (exited(0), 0),
        (exited(7, exit_status("exit code: 7")), 7),
        (exited(255, exit_status("exit code: 255", detail=EXIT_DETAIL)), 255),
    ],
)
def test_an_exit_code_is_known(message: pb.ExecMessage, code: int) -> None:
    stream = running()
    receive(stream, message)
    stream.settle(None)
    assert (stream.exit_code, stream.failure) == (code, None)


def test_a_process_that_the_daemon_cannot_run_has_no_exit_code() -> None:
    stream = running()
    receive(stream, exited(255, exit_status("unable to find\n user x", detail="other")))
    assert stream.settle(None) == [OutputEnded(STDOUT), OutputEnded(STDERR)]
    failure = stream.failure
    assert isinstance(failure, RemoteError)
    assert failure.message == "cannot run process 'x y': unable to find user x"
    assert (failure.code, failure.hint, len(failure.details)) == (Code.UNKNOWN, None, 1)
    assert stream.exit_code is None


def test_a_process_of_a_container_that_is_gone_says_when_containers_stop() -> None:
    stream = running()
    receive(stream, exited(255, exit_status("container not found: container")))
    stream.settle(None)
    assert isinstance(stream.failure, RemoteError)
    assert stream.failure.hint == (
        "a container stops when its first process ends, or when any process fails"
    )


def test_a_process_that_was_stopped_with_its_container_is_cancelled() -> None:
    stream = running()
    receive(stream, exited(137, exit_status("context canceled", Code.CANCELLED)))
    stream.settle(None)
    assert isinstance(stream.failure, CancelledError)
    assert stream.failure.message == "process 'x y' was stopped with its container"


# What errors show.


def test_a_nonzero_exit_code_is_an_error_with_the_last_lines_of_stderr() -> None:
    stream = running()
    lines = b"".join(b"line %d\n" % number for number in range(30))
    receive(
        stream,
        output(STDERR, lines),
        output(STDERR, b" why \n\n"),
        output(STDOUT, b"not shown\n"),
        exited(9, exit_status("exit code: 9", Code.ABORTED, EXIT_DETAIL)),
    )
    stream.settle(None)
    error = stream.error(b"out", b"err")
    assert error.message == "process 'x y' ended with exit code 9: why"
    assert (error.code, error.exit_code, error.command) == (Code.ABORTED, 9, ("x", "y"))
    assert (error.stdout, error.stderr, len(error.details)) == (b"out", b"err", 1)
    assert error.log == (*(f"line {number}" for number in range(12, 30)), " why ", "")


def test_a_terminal_shows_errors_in_its_one_output() -> None:
    stream = new_stream(fds=(STDIN, STDOUT), tty=True)
    receive(stream, STARTED, output(STDOUT, b"why\r\n"), exited(1))
    stream.settle(None)
    error = stream.error(b"", b"")
    assert error.message == "process 'x y' ended with exit code 1: why"
    assert error.code == Code.UNKNOWN


def test_an_error_keeps_at_most_4_kib_of_output() -> None:
    stream = running()
    receive(stream, *[output(STDERR, b"x" * 3000)] * 3, exited(1))
    stream.settle(None)
    assert stream.error(b"", b"").log == ("x" * 4096,)


def test_a_process_without_output_is_an_error_without_a_line() -> None:
    assert settled().error(b"", b"").message == "process 'x y' ended with exit code 3"


def test_a_long_command_is_cut() -> None:
    init = pb.InitMessage(Meta=ops_pb2.Meta(args=["echo", "a" * 100]))
    assert str(ExecStream(ID, init)) == f"process 'echo {'a' * 75}…'"
