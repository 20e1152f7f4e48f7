"""A process in a container of a frontend: one call to the daemon, and what came of it."""

from __future__ import annotations

import io
import os
import threading
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Self

from google.protobuf.message import DecodeError

from llb._pb import gateway_pb2 as pb
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
from llb.gateway.process_io import Feeder, Flow, Input, Output
from llb.grpc import Code

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from types import TracebackType

    from llb.gateway.process_io import ProcessFiles, Stderr, WritableFile
    from llb.grpc import ClientCall


_STDIN, _STDOUT, _STDERR = 0, 1, 2
_START_SECONDS = 60.0
# How long a daemon is given to say why it did not start a process, and to end one.
_REASON_SECONDS = 5.0
_END_SECONDS = 5.0
# What a daemon says of a process whose exit code it does not know.
_UNKNOWN_EXIT = 255
_EXIT_DETAIL = "gatewayapi.ExitMessage+json"
_ENDED = "a container ends with its first process, and with any that fails"
_TAIL_SIZE, _TAIL_LINES = 4096, 20
_SHOWN_COMMAND = 80


class Process:
    """A process that runs in a container; :meth:`llb.gateway.Container.start` makes one.

    ``command`` are its arguments. ``stdin`` is a file to write to, or None; ``stdout`` and
    ``stderr`` are files to read from (``io.BufferedReader``, whose ``read1`` does not wait for
    more than there is), or None where the output goes elsewhere. What a terminal shows is all
    in ``stdout``. Any thread may use it. As a context it is killed at its end, if it still runs.
    """

    def __init__(
        self,
        call: ClientCall,
        init: pb.InitMessage,
        files: ProcessFiles,
        require: Callable[[str], None],
    ) -> None:
        self.command = tuple(init.Meta.args)
        self.stdin = Input(self._send_input) if files.stdin is not None else None
        # The client names processes, by what is unique in its build.
        self._id = f"{init.ContainerID}:{os.urandom(8).hex()}"
        self._container = init.ContainerID
        self._call = call
        self._require = require
        self._is_tty = init.Tty
        self._flow = Flow()
        self._has_started = self._has_sent_end = self._is_over = False
        self._exit: pb.ExitMessage | None = None
        self._failure: BaseException | None = None
        self._ended = 0.0
        self._tail = bytearray()
        self._source = files.stdin
        self._feeder: Feeder | None = None
        self._files: dict[int, Output | WritableFile | None] = {}
        self.stdout = self._add_output(_STDOUT, files.stdout)
        self.stderr = None
        # A terminal has one output.
        if not init.Tty:
            self.stderr = self._add_output(_STDERR, files.stderr)
        self._open = set(self._files)
        self._thread = threading.Thread(target=self._follow, name="process-reader", daemon=True)
        self._start(init)

    @property
    def exit_code(self) -> int | None:
        """The exit code of the process, 128 and the signal's number where one killed it.

        None while it runs, and where :meth:`wait` raises because it has none.
        """
        with self._flow.changed:
            if self._exit is None or self._failure is not None or not self._is_over:
                return None
            return self._exit.Code

    @property
    def is_over(self) -> bool:
        """Whether the process has ended, and its output is complete."""
        with self._flow.changed:
            return self._is_over

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the process has ended, and return its exit code.

        Meanwhile what it writes and nobody reads is kept in memory. Raises CancelledError
        when ``timeout`` seconds are over, after which it still runs, and where it was ended
        with its container; RemoteError where the daemon could not run it; TransportError
        where the connection broke; and what the files raise that it was started with.
        """
        with self._flow.changed:
            if not self._flow.wait_for(lambda: self._is_over, timeout):
                raise CancelledError(f"{self} still runs after {timeout:g} s")
        if self._failure is not None:
            raise self._failure
        assert self._exit is not None
        return self._exit.Code

    def check(self, timeout: float | None = None) -> None:
        """Wait as :meth:`wait` does; raises ProcessError for another exit code than 0."""
        if self.wait(timeout):
            raise self._error(b"", b"")

    def signal(self, number: signal.Signals | int | str) -> None:
        """Send a signal, by number or name (``SIGHUP``, ``HUP``); nothing to what has ended.

        The daemon takes it after all that was written to ``stdin`` before, so that no signal
        reaches a process that does not read what it was given. Raises InvalidValueError for
        what is no signal, CapabilityError for a daemon that cannot, and what :meth:`wait`
        raises where the connection broke.
        """
        name = _signal_name(number)
        self._require("gateway.exec.signals")
        self._tell(pb.ExecMessage(Signal=pb.SignalMessage(Name=name)))

    def kill(self) -> None:
        """Send SIGKILL (:meth:`signal`)."""
        self.signal("KILL")

    def resize(self, rows: int, columns: int) -> None:
        """Tell the process that its terminal has another size, in characters.

        Raises InvalidValueError for a process without a terminal.
        """
        if not self._is_tty:
            raise InvalidValueError(f"{self} has no terminal", hint="start it with tty=True")
        self._tell(pb.ExecMessage(Resize=pb.ResizeMessage(Rows=rows, Cols=columns)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self.is_over:
            # What cannot be told to end is ended with its container.
            with suppress(LLBError):
                self.kill()
            self._end()

    def __str__(self) -> str:
        """Return the command, as errors show it."""
        text = " ".join(self.command)
        return f"process {text if len(text) <= _SHOWN_COMMAND else text[:_SHOWN_COMMAND] + '…'!r}"

    def _add_output(self, number: int, given: Stderr) -> io.BufferedReader | None:
        """Have a descriptor served, and return the file to read it from, if there is one."""
        match given:
            case "pipe":
                output = Output(self._flow)
                self._files[number] = output
                return io.BufferedReader(output)
            case "stdout":
                self._files[number] = self._files.get(_STDOUT)
            case "discard":
                # The last lines of errors are wanted when the process fails.
                if number == _STDERR:
                    self._files[number] = None
            case _:
                self._files[number] = given
        return None

    def _start(self, init: pb.InitMessage) -> None:
        """Have the daemon start the process; return when it runs."""
        init.Fds.extend(sorted(self._files) if self.stdin is None else [0, *sorted(self._files)])
        self._thread.start()
        try:
            self._send(pb.ExecMessage(Init=init))
            self._await_start()
            if isinstance(self._source, bytes | int):
                self._feed(self._source)
        except BaseException:
            self._flow.open()
            self._call.cancel()
            self._thread.join(_END_SECONDS)
            raise

    def _await_start(self) -> None:
        with self._flow.changed:
            is_settled = self._flow.wait_for(self._is_settled, _START_SECONDS)
        if not is_settled:
            # A daemon that could not start a process keeps its reason to itself until it
            # hears that nothing more comes.
            self._call.close_send()
            with self._flow.changed:
                self._flow.wait_for(lambda: self._is_over, _REASON_SECONDS)
        with self._flow.changed:
            if self._has_started and is_settled:
                return
            failure = self._failure
        raise failure or CancelledError(f"{self} was not started in {_START_SECONDS:g} s")

    def _is_settled(self) -> bool:
        return self._has_started or self._is_over

    def _feed(self, source: bytes | int) -> None:
        assert self.stdin is not None
        feeder = Feeder(source, self.stdin, self._on_unreadable)
        with self._flow.changed:
            if not self._is_over:
                self._feeder = feeder
                return
        feeder.end()

    def _on_unreadable(self, error: OSError) -> None:
        """Give the process up whose input cannot be read."""
        with self._flow.changed:
            if self._failure is None:
                self._failure = InputError(f"cannot read the input of {self}: {error.strerror}")
                self._failure.__cause__ = error
        self._call.cancel()

    def _send(self, message: pb.ExecMessage) -> None:
        message.ProcessID = self._id
        self._call.send(message.SerializeToString())
        self._call.flush()

    def _tell(self, message: pb.ExecMessage) -> None:
        """Send what a process that has ended need not hear."""
        if not self._has_exited():
            try:
                self._send(message)
            except RemoteError:
                # The daemon ends the call after the process.
                if not self._has_exited():
                    raise

    def _has_exited(self) -> bool:
        with self._flow.changed:
            return self._exit is not None or self._is_over

    def _send_input(self, data: bytes | None) -> bool:
        """Send bytes, or their end; return whether the process still is there to read them."""
        if self._has_exited():
            return False
        self._has_sent_end = data is None
        try:
            self._send(
                pb.ExecMessage(File=pb.FdMessage(Fd=_STDIN, Data=data or b"", EOF=data is None))
            )
        except LLBError:
            # Who waits for the process is told.
            return False
        return True

    def _follow(self) -> None:
        """Take what the daemon says until it has said all; this is the process's thread."""
        failure: BaseException | None = None
        try:
            while (data := self._call.receive()) is not None:
                self._take(pb.ExecMessage.FromString(data))
        except DecodeError as error:
            failure = TransportError("the daemon sent no message of a process")
            failure.__cause__ = error
        # A file of the caller may raise anything; it is raised where the process is awaited.
        except BaseException as error:  # noqa: BLE001
            failure = error
        if failure is not None:
            self._call.cancel()
        self._settle(failure)

    def _take(self, message: pb.ExecMessage) -> None:
        kind = message.WhichOneof("Input")
        if message.ProcessID != self._id:
            raise TransportError(f"the daemon spoke of another process: {message.ProcessID!r}")
        if not self._has_started and kind != "Started":
            raise TransportError(f"the daemon began {self} with {kind}")
        match kind:
            case "Started":
                with self._flow.changed:
                    self._has_started = True
                    self._flow.changed.notify_all()
            case "File":
                self._take_output(message.File)
            case "Exit":
                self._on_exit(message.Exit)
            case "Done":
                if self._exit is not None and not self._open:
                    self._settle(None)
                # The daemon ends the call when it knows that nothing more comes.
                self._call.close_send()
            case _:
                raise TransportError(f"the daemon sent a message of no meaning: {kind}")

    def _take_output(self, message: pb.FdMessage) -> None:
        if message.Fd not in self._files:
            raise TransportError(f"the daemon sent output that was not asked for: {message.Fd}")
        file = self._files[message.Fd]
        if message.Fd == _STDERR or _STDERR not in self._files:
            self._tail += message.Data
            del self._tail[:-_TAIL_SIZE]
        if isinstance(file, Output):
            file.put(message.Data)
        elif file is not None and message.Data:
            file.write(message.Data)
            file.flush()
        if message.EOF:
            self._open.discard(message.Fd)
            if isinstance(file, Output) and not any(
                self._files[number] is file for number in self._open
            ):
                file.end()

    def _on_exit(self, message: pb.ExitMessage) -> None:
        with self._flow.changed:
            self._exit = message
        if self.stdin is not None and not self._has_sent_end:
            # The daemon is done with a process when all of its files have ended, this too.
            # Where it has said all already, what it said is still to be taken.
            with suppress(LLBError):
                self._send(pb.ExecMessage(File=pb.FdMessage(Fd=_STDIN, EOF=True)))

    def _settle(self, failure: BaseException | None) -> None:
        """Take note of the end: what it was is decided, and told to all who wait."""
        if self._is_over:
            return
        with self._flow.changed:
            feeder, self._feeder = self._feeder, None
        if feeder is not None:
            feeder.end()
        with self._flow.changed:
            if self._failure is None:
                self._failure = self._outcome(failure)
            is_broken = self._exit is None or self._failure is failure
            self._is_over, self._ended = True, monotonic()
            self._flow.changed.notify_all()
        for file in self._files.values():
            if isinstance(file, Output):
                file.end(self._failure if is_broken else None)

    def _outcome(self, failure: BaseException | None) -> BaseException | None:
        """Return what kept the process from an exit code of its own."""
        if self._exit is None:
            return failure or TransportError(f"the daemon ended {self} without an exit code")
        # A daemon that had input left over for a process that is gone ends the call with an
        # error, after all that there was to say.
        if failure is not None and not isinstance(failure, RemoteError):
            return failure
        status = self._exit.Error
        if status.code == Code.CANCELLED:
            return CancelledError(f"{self} was ended with its container")
        is_known = any(_EXIT_DETAIL in each.type_url for each in status.details)
        if self._exit.Code != _UNKNOWN_EXIT or is_known:
            return None
        return RemoteError(
            f"cannot run {self}: {' '.join(status.message.split())}",
            code=status.code,
            details=_details(self._exit),
            hint=_ENDED if self._container in status.message else None,
        )

    def _end(self) -> None:
        """Take what still comes, and follow the process no longer after 5 seconds."""
        self._flow.open()
        self._thread.join(_END_SECONDS)
        self._call.cancel()
        self._thread.join(_END_SECONDS)

    def _error(self, stdout: bytes, stderr: bytes) -> ProcessError:
        """Return the error of a process that has ended with another code than 0."""
        assert self._exit is not None
        lines = self._tail.decode(errors="replace").splitlines()
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        code = self._exit.Code
        return ProcessError(
            f"{self} ended with exit code {code}{f': {last}' if last else ''}",
            code=self._exit.Error.code or Code.UNKNOWN,
            details=_details(self._exit),
            command=self.command,
            exit_code=code,
            stdout=stdout,
            stderr=stderr,
            log=tuple(lines[-_TAIL_LINES:]),
        )


def _details(message: pb.ExitMessage) -> tuple[bytes, ...]:
    return tuple(each.SerializeToString() for each in message.Error.details)


def _signal_name(number: signal.Signals | int | str) -> str:
    """Return the name of a signal without SIG. Raises InvalidValueError."""
    # It takes a millisecond to import, and few frontends signal processes.
    from signal import Signals  # noqa: PLC0415

    if not isinstance(number, str):
        try:
            return Signals(number).name.removeprefix("SIG")
        except ValueError as error:
            raise InvalidValueError(f"invalid signal {number}: expected one of Linux") from error
    name = number.upper().removeprefix("SIG")
    known = [each.removeprefix("SIG") for each in Signals.__members__]
    if name not in known:
        raise InvalidValueError(f"invalid signal {number!r}", hint=did_you_mean(name, known))
    return name
