"""A process in a container of a frontend: one call to the daemon, and a thread that follows it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Self, assert_never

from google.protobuf.message import DecodeError

from llb._lazy import lazy_imports
from llb._pb import gateway_pb2 as pb
from llb.arguments.checked import checked
from llb.arguments.conversions import to_seconds
from llb.errors import (
    CancelledError,
    InputError,
    InvalidValueError,
    LLBError,
    ProcessError,
    RemoteError,
    TransportError,
    did_you_mean,
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
from llb.gateway.process_io import Feeder, Flow, Input, Outputs

with lazy_imports(__name__):
    import signal  # 0.6 ms

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from llb.arguments.conversions import Duration
    from llb.gateway.exec_stream import Event
    from llb.gateway.process_io import ProcessFiles
    from llb.grpc.interfaces import OutgoingCall


_START_SECONDS = 60.0
# How long to wait for the reason of a failed start, and for the end of a call.
_REASON_SECONDS = 5.0
_END_SECONDS = 5.0


class Process:
    """A process that runs in a container, started by :meth:`llb.gateway.Container.start`.

    ``command`` are its arguments. ``stdin`` is a file to write to, or None; ``stdout`` and
    ``stderr`` are files to read from (``io.BufferedReader``, whose ``read1`` returns what has
    arrived), or None if the output goes elsewhere. A terminal writes everything to ``stdout``.
    Any thread may use a process. As a context manager it kills a process that still runs.
    """

    def __init__(
        self,
        call: OutgoingCall,
        init: pb.InitMessage,
        files: ProcessFiles,
        require: Callable[[str], None],
    ) -> None:
        self.command = tuple(init.Meta.args)
        self._call = call
        self._require = require
        self._flow = Flow()
        self._outputs = Outputs(self._flow)
        self.stdin = Input(self._send_input) if files.stdin is not None else None
        self.stdout: io.BufferedReader | None = self._outputs.add(STDOUT, files.stdout)
        self.stderr: io.BufferedReader | None = None
        # A terminal has one output.
        if not init.Tty:
            self.stderr = self._outputs.add(STDERR, files.stderr)
        init.Fds.extend(self._outputs.fds if self.stdin is None else (STDIN, *self._outputs.fds))
        # The client chooses process IDs, which must be unique in its build. The stream is read
        # and changed under the lock of the flow.
        self._stream = ExecStream(f"{init.ContainerID}:{os.urandom(8).hex()}", init)
        self._source = files.stdin
        # The thread alone starts, ends and settles.
        self._feeder: Feeder | None = None
        self._ended = 0.0
        self._thread = threading.Thread(target=self._follow, name="process-reader", daemon=True)
        self._start()

    @property
    def exit_code(self) -> int | None:
        """The exit code, or 128 plus the number of the signal that killed the process.

        None while the process runs, and if it has no exit code: :meth:`wait` says why.
        """
        with self._flow.changed:
            return self._stream.exit_code

    @property
    def is_over(self) -> bool:
        """Whether the process has ended and its output is complete."""
        with self._flow.changed:
            return self._stream.is_over

    @checked
    def wait(self, timeout: Duration | None = None) -> int:
        """Wait until the process has ended, and return its exit code.

        Output that nobody reads is kept in memory meanwhile. Raises CancelledError after
        ``timeout`` (seconds, or a timedelta), with the process still running, and if the process was stopped with
        its container; RemoteError if the daemon could not run it; TransportError if the
        connection broke; InputError if ``stdin`` cannot be read; and the errors of the files
        passed as ``stdout`` and ``stderr``.
        """
        stream = self._stream
        seconds = None if timeout is None else to_seconds(timeout)
        with self._flow.changed:
            if not self._flow.wait_for(lambda: stream.is_over, seconds):
                raise CancelledError(f"{self} is still running after {seconds:g} s")
        if stream.failure is not None:
            raise stream.failure
        assert stream.exit_code is not None
        return stream.exit_code

    @checked
    def check(self, timeout: Duration | None = None) -> None:
        """Wait like :meth:`wait`, and raise ProcessError for a nonzero exit code."""
        if self.wait(timeout):
            raise self._error(b"", b"")

    @checked
    def signal(self, number: signal.Signals | int | str) -> None:
        """Send a signal, by number or name (``SIGHUP``, ``HUP``), unless the process has ended.

        The daemon delivers it after all input written before, so no signal reaches a process
        that does not read its input. Raises InvalidValueError for an unknown signal,
        CapabilityError if the daemon is too old, and the errors of :meth:`wait` if the
        connection broke.
        """
        name = _signal_name(number)
        self._require("gateway.exec.signals")
        with self._flow.changed:
            message = self._stream.send_signal(name)
        self._send_if_running(message)

    def kill(self) -> None:
        """Send SIGKILL (:meth:`signal`)."""
        self.signal("KILL")

    @checked
    def resize(self, rows: int, columns: int) -> None:
        """Set the size of the process's terminal, in characters.

        Raises InvalidValueError for a process without a terminal.
        """
        with self._flow.changed:
            message = self._stream.send_resize(rows, columns)
        self._send_if_running(message)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self.is_over:
            # A process that takes no signal ends with its container.
            with suppress(LLBError):
                self.kill()
            self._end()

    def __str__(self) -> str:
        """Format the command for errors."""
        return str(self._stream)

    # Sending, for callers.

    def _start(self) -> None:
        """Have the daemon start the process, and wait until it runs."""
        self._thread.start()
        try:
            self._send(self._stream.start())
            self._await_start()
        except BaseException:
            self._flow.open()
            self._call.cancel()
            self._thread.join(_END_SECONDS)
            raise

    def _await_start(self) -> None:
        flow, stream = self._flow, self._stream
        with flow.changed:
            is_in_time = flow.wait_for(lambda: stream.state is not State.STARTING, _START_SECONDS)
        if not is_in_time:
            # A daemon that could not start a process reports the reason when the client has
            # closed its half of the call.
            self._call.close_send()
            with flow.changed:
                flow.wait_for(lambda: stream.is_over, _REASON_SECONDS)
        with flow.changed:
            if is_in_time and stream.state is not State.NEVER_STARTED:
                return
            failure = stream.failure
        raise failure or CancelledError(f"{self} did not start within {_START_SECONDS:g} s")

    def _send(self, message: pb.ExecMessage) -> None:
        self._call.send(message.SerializeToString())
        self._call.flush()

    def _send_if_running(self, message: pb.ExecMessage | None) -> None:
        """Send a message that a process which has exited can miss."""
        if message is None:
            return
        try:
            self._send(message)
        except RemoteError:
            # The daemon ends the call after the process.
            with self._flow.changed:
                if self._stream.state is State.RUNNING:
                    raise

    def _send_input(self, data: bytes | None) -> bool:
        """Send input, or its end for None; return whether the process still reads."""
        with self._flow.changed:
            stream = self._stream
            message = stream.end_input() if data is None else stream.send_input(data)
        if message is None:
            return False
        try:
            self._send(message)
        except LLBError:
            # wait() raises it.
            return False
        return True

    def _on_unreadable(self, error: OSError) -> None:
        """Give up a process whose input cannot be read; the feeder calls it."""
        failure = InputError(f"cannot read the input of {self}: {error.strerror}")
        failure.__cause__ = error
        with self._flow.changed:
            self._stream.cancel(failure)
        self._call.cancel()

    # Receiving, on the thread.

    def _follow(self) -> None:
        """Receive messages until the call ends."""
        failure: BaseException | None = None
        try:
            while (data := self._call.receive()) is not None:
                self._take(pb.ExecMessage.FromString(data))
        except DecodeError as error:
            failure = TransportError("malformed process message from the daemon")
            failure.__cause__ = error
        # A file of the caller may raise anything; wait() raises it.
        except BaseException as error:  # noqa: BLE001
            failure = error
        if failure is not None:
            self._call.cancel()
        self._settle(failure)

    def _take(self, message: pb.ExecMessage) -> None:
        with self._flow.changed:
            events = self._stream.receive(message)
            self._flow.changed.notify_all()
        self._handle(events)

    def _handle(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case Started():
                    self._feed()
                case OutputReceived(fd, data):
                    self._outputs.write(fd, data)
                case OutputEnded(fd, error):
                    self._outputs.end(fd, error)
                case Reply(message):
                    # Messages that arrived before the end of the call are still received.
                    with suppress(LLBError):
                        self._send(message)
                case Completed():
                    self._settle(None)
                case HalfClose():
                    self._call.close_send()
                case _:
                    assert_never(event)

    def _feed(self) -> None:
        """Start to send the input that the process was started with."""
        if self.stdin is not None and isinstance(self._source, bytes | int):
            self._feeder = Feeder(self._source, self.stdin, self._on_unreadable)

    def _settle(self, failure: BaseException | None) -> None:
        if self._feeder is not None:
            # No file of the caller is read once the process is over.
            self._feeder.end()
            self._feeder = None
        with self._flow.changed:
            if not self._stream.is_over:
                self._ended = monotonic()
            events = self._stream.settle(failure)
            self._flow.changed.notify_all()
        self._handle(events)

    # For the container.

    def _stop(self) -> None:
        """Prepare for the end of the container, without waiting for the daemon."""
        # The daemon waits until all output is sent.
        self._flow.open()
        with self._flow.changed:
            is_running = self._stream.stop()
        # Older daemons, such as v0.18, also wait until the input ends. This takes until the end of the call if
        # the process reads nothing.
        if is_running and self.stdin is not None:
            ending = threading.Thread(target=self._send_input, args=(None,), daemon=True)
            ending.start()

    def _end(self) -> None:
        """Receive what is left, and cancel the call after 5 seconds."""
        self._flow.open()
        self._thread.join(_END_SECONDS)
        self._call.cancel()
        self._thread.join(_END_SECONDS)

    def _error(self, stdout: bytes, stderr: bytes) -> ProcessError:
        """Build the error for a nonzero exit code."""
        return self._stream.error(stdout, stderr)


def _signal_name(number: signal.Signals | int | str) -> str:
    """Normalize a signal to its name without SIG. Raises InvalidValueError."""
    if not isinstance(number, str):
        try:
            return signal.Signals(number).name.removeprefix("SIG")
        except ValueError as error:
            raise InvalidValueError(f"invalid signal {number}: expected a Linux signal") from error
    name = number.upper().removeprefix("SIG")
    names = [signal_name.removeprefix("SIG") for signal_name in signal.Signals.__members__]
    if name not in names:
        raise InvalidValueError(f"invalid signal {number!r}", hint=did_you_mean(name, names))
    return name
