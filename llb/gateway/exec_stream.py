"""A process in a container as a state machine: daemon messages in, events and messages out.

The client's side of BuildKit's ``LLBBridge/ExecProcess`` (``gateway.proto``), with no I/O, clock,
randomness or threads. :class:`llb.gateway.Process` moves messages and bytes::

    STARTING ---Started---> RUNNING ------------Exit------------> EXITED
        |                     |  |                                ^   |
        |                     |  +---Done---> CLOSING ---Exit-----+   |
        |                     |                  |                    |
      settle                settle             settle               settle
        |                     |                  |                    |
        v                     v                  v                    v
    NEVER_STARTED             +------------------+----------------> SETTLED

The daemon may send the exit code before the last output, and Done before the exit code. Output
is accepted in RUNNING, CLOSING and EXITED; input, signals and terminal sizes are sent in RUNNING.
Any other message from the daemon is an error. :meth:`ExecStream.settle` is for the caller, who
first stops reading the input: when all messages have arrived (:class:`Completed`), or when the
call has ended, whatever the reason.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from attrs import frozen

from llb._pb import gateway_pb2 as pb
from llb.errors import (
    CancelledError,
    InvalidValueError,
    ProcessError,
    RemoteError,
    TransportError,
)
from llb.grpc import Code

if TYPE_CHECKING:
    from collections.abc import Callable

STDIN, STDOUT, STDERR = 0, 1, 2
# The exit code that the daemon sends if it does not know the real one.
_UNKNOWN_EXIT = 255
_EXIT_DETAIL = "gatewayapi.ExitMessage+json"
_TAIL_SIZE, _TAIL_LINES = 4096, 20
_SHOWN_COMMAND = 80


class State(Enum):
    """How far a process has come, with the words for it in errors."""

    STARTING = "has not started"
    RUNNING = "is running"
    CLOSING = "has closed its files"
    EXITED = "has exited"
    SETTLED = "is over"
    NEVER_STARTED = "never started"


@frozen
class Started:
    """The process runs: its input may be sent."""


@frozen
class OutputReceived:
    """The process wrote bytes to a file descriptor."""

    fd: int
    data: bytes


@frozen
class OutputEnded:
    """A file descriptor gets no more output, in order or because of ``error``."""

    fd: int
    error: BaseException | None = None


@frozen
class Reply:
    """The daemon waits for a message; it may have ended the call already."""

    message: pb.ExecMessage


@frozen
class Completed:
    """The exit code and all output have arrived: settle the stream."""


@frozen
class HalfClose:
    """The daemon ends the call once this side has closed its half."""


Event = Started | OutputReceived | OutputEnded | Reply | Completed | HalfClose


class ExecStream:
    """The state of one process; not thread-safe.

    ``init`` says what runs, and which file descriptors are served: its input if 0 is among them.
    """

    def __init__(self, process_id: str, init: pb.InitMessage) -> None:
        self.state = State.STARTING
        # The error that takes the place of an exit code.
        self.failure: BaseException | None = None
        self._id = process_id
        self._init = init
        self._exit: pb.ExitMessage | None = None
        self._is_input_open = STDIN in init.Fds
        self._open_outputs = set(init.Fds) - {STDIN}
        self._tail = bytearray()

    @property
    def is_over(self) -> bool:
        """Whether the process is settled, or never started."""
        return self.state in (State.SETTLED, State.NEVER_STARTED)

    @property
    def exit_code(self) -> int | None:
        """The exit code of a settled process; None before, and after a failure."""
        if self._exit is None or self.failure is not None or not self.is_over:
            return None
        return self._exit.Code

    def error(self, stdout: bytes, stderr: bytes) -> ProcessError:
        """Build the error for a nonzero exit code, with the last lines of the output."""
        assert self._exit is not None
        lines = self._tail.decode(errors="replace").splitlines()
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        code = self._exit.Code
        return ProcessError(
            f"{self} ended with exit code {code}{f': {last}' if last else ''}",
            code=self._exit.Error.code or Code.UNKNOWN,
            details=_details(self._exit),
            command=tuple(self._init.Meta.args),
            exit_code=code,
            stdout=stdout,
            stderr=stderr,
            log=tuple(lines[-_TAIL_LINES:]),
        )

    def __str__(self) -> str:
        """Format the command for errors, cut to 80 characters."""
        text = " ".join(self._init.Meta.args)
        return f"process {text if len(text) <= _SHOWN_COMMAND else text[:_SHOWN_COMMAND] + '…'!r}"

    # Messages to the daemon.

    def start(self) -> pb.ExecMessage:
        """Build the message that starts the process, the first of the call."""
        return pb.ExecMessage(ProcessID=self._id, Init=self._init)

    def send_input(self, data: bytes) -> pb.ExecMessage | None:
        """Build a message with input, or None if the process reads no more."""
        if not self._can_send() or not self._is_input_open:
            return None
        return self._input_message(data=data)

    def end_input(self) -> pb.ExecMessage | None:
        """Build the message that ends the input, or None if it has ended already."""
        if not self._can_send() or not self._is_input_open:
            return None
        self._is_input_open = False
        return self._input_message(is_end=True)

    def send_signal(self, name: str) -> pb.ExecMessage | None:
        """Build a message with a signal (``HUP``), or None if the process has ended."""
        if not self._can_send():
            return None
        return pb.ExecMessage(ProcessID=self._id, Signal=pb.SignalMessage(Name=name))

    def send_resize(self, rows: int, columns: int) -> pb.ExecMessage | None:
        """Build a message with the size of the terminal, or None if the process has ended.

        Raises InvalidValueError for a process without a terminal.
        """
        if not self._init.Tty:
            raise InvalidValueError(f"{self} has no terminal", hint="start it with tty=True")
        if not self._can_send():
            return None
        return pb.ExecMessage(ProcessID=self._id, Resize=pb.ResizeMessage(Rows=rows, Cols=columns))

    def _can_send(self) -> bool:
        """Check whether the process takes messages. Raises InvalidValueError before it started."""
        if self.state is State.STARTING:
            raise InvalidValueError(f"{self} {self.state.value}")
        return self.state is State.RUNNING

    def _input_message(self, *, data: bytes = b"", is_end: bool = False) -> pb.ExecMessage:
        return pb.ExecMessage(
            ProcessID=self._id, File=pb.FdMessage(Fd=STDIN, Data=data, EOF=is_end)
        )

    # Messages from the daemon.

    def receive(self, message: pb.ExecMessage) -> list[Event]:
        """Take a message from the daemon.

        Raises TransportError if the daemon broke the protocol. The caller then cancels the call,
        and settles the stream with that error.
        """
        if message.ProcessID != self._id:
            raise TransportError(f"unknown process ID from the daemon: {message.ProcessID!r}")
        kind = message.WhichOneof("Input")
        handler = _HANDLERS.get((self.state, kind))
        if handler is None:
            raise TransportError(
                f"unexpected {kind or 'empty'} message from the daemon: {self} {self.state.value}"
            )
        return handler(self, message)

    def _on_started(self, _: pb.ExecMessage) -> list[Event]:
        self.state = State.RUNNING
        return [Started()]

    def _on_output(self, message: pb.ExecMessage) -> list[Event]:
        fd, data = message.File.Fd, message.File.Data
        if fd not in self._open_outputs:
            raise TransportError(
                f"unexpected output from the daemon: file descriptor {fd} of {self} is not open"
            )
        if fd == STDERR or STDERR not in self._init.Fds:
            self._tail += data
            del self._tail[:-_TAIL_SIZE]
        events: list[Event] = [OutputReceived(fd, data)] if data else []
        if message.File.EOF:
            self._open_outputs.remove(fd)
            events.append(OutputEnded(fd))
        return events

    def _on_exit(self, message: pb.ExecMessage) -> list[Event]:
        # The daemon sends Done when all files of the process have ended, the input too.
        ending = self.end_input()
        self.state = State.EXITED
        self._exit = message.Exit
        return [] if ending is None else [Reply(ending)]

    def _on_done(self, _: pb.ExecMessage) -> list[Event]:
        if self.state is State.RUNNING:
            self.state = State.CLOSING
            return [HalfClose()]
        return [HalfClose()] if self._open_outputs else [Completed(), HalfClose()]

    # How it ends.

    def stop(self) -> bool:
        """Expect that a running process is killed with its container, whatever its exit code is.

        Returns whether it ran.
        """
        if self.state is not State.RUNNING:
            return False
        self.cancel(self._stopped())
        return True

    def cancel(self, failure: BaseException) -> None:
        """Give the process up: unless it is over, or failed before, it ends with ``failure``.

        The caller cancels the call, and settles the stream when that has ended.
        """
        if not self.is_over and self.failure is None:
            self.failure = failure

    def settle(self, failure: BaseException | None) -> list[Event]:
        """Decide how the process ended; no message comes after it.

        ``failure`` is the error that ended the call, if any. Settling twice does nothing.
        """
        if self.is_over:
            return []
        if self.failure is None:
            self.failure = self._outcome(failure)
        is_cut_off = self._exit is None or self.failure is failure
        error = self.failure if is_cut_off else None
        is_starting = self.state is State.STARTING
        self.state = State.NEVER_STARTED if is_starting else State.SETTLED
        return [OutputEnded(fd, error) for fd in sorted(self._open_outputs)]

    def _outcome(self, failure: BaseException | None) -> BaseException | None:
        """Choose the error that takes the place of an exit code, None for a known exit code."""
        if self._exit is None:
            return failure or TransportError(f"the daemon ended {self} without an exit code")
        # A daemon with input left for a process that has exited ends the call with an error,
        # after all other messages.
        if failure is not None and not isinstance(failure, RemoteError):
            return failure
        status = self._exit.Error
        if status.code == Code.CANCELLED:
            return self._stopped()
        is_known = any(_EXIT_DETAIL in detail.type_url for detail in status.details)
        if self._exit.Code != _UNKNOWN_EXIT or is_known:
            return None
        is_container_gone = self._init.ContainerID in status.message
        return RemoteError(
            f"cannot run {self}: {' '.join(status.message.split())}",
            code=status.code,
            details=_details(self._exit),
            hint="a container stops when its first process ends, or when any process fails"
            if is_container_gone
            else None,
        )

    def _stopped(self) -> CancelledError:
        return CancelledError(f"{self} was stopped with its container")


def _details(message: pb.ExitMessage) -> tuple[bytes, ...]:
    return tuple(detail.SerializeToString() for detail in message.Error.details)


# The messages that each state accepts; any other message breaks the protocol.
_HANDLERS: dict[tuple[State, str | None], Callable[[ExecStream, pb.ExecMessage], list[Event]]] = {
    (State.STARTING, "Started"): ExecStream._on_started,
    (State.RUNNING, "File"): ExecStream._on_output,
    (State.RUNNING, "Exit"): ExecStream._on_exit,
    (State.RUNNING, "Done"): ExecStream._on_done,
    (State.CLOSING, "File"): ExecStream._on_output,
    (State.CLOSING, "Exit"): ExecStream._on_exit,
    (State.EXITED, "File"): ExecStream._on_output,
    (State.EXITED, "Done"): ExecStream._on_done,
}
