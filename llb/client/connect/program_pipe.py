"""A program as a pipe: writes go to its standard input, reads come from its standard output."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from llb.child_processes import environment
from llb.errors import TransportError
from llb.grpc import stdio_pipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llb.grpc import Pipe

# How long a program may run on after its input has ended, and then after each signal.
_END_SECONDS = 3.0
_KEPT_BYTES = 4096


class ProgramPipe:
    """A pipe to the standard input and from the standard output of a program.

    The program runs in a separate session, so an interrupt from the terminal reaches this process
    but does not cut the connection first. Its input ends with the pipe, or with this process,
    which ends the program; :meth:`close` kills a program that keeps running. Raises
    TransportError if the program cannot be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._name = command[0]
        self._is_closed = False
        try:
            self._process = subprocess.Popen(
                command,
                bufsize=0,
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise TransportError(start_failure(self._name, error)) from error
        self._stderr = bytearray()
        self._stderr_reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._stderr_reader.start()
        self._pipe = self._take_ends()

    def read(self) -> bytes:
        """Block until bytes arrive and return them; ``b""`` is the end.

        Raises TransportError with the error output of a program that has failed.
        """
        data = self._pipe.read()
        if not data and not self._is_closed:
            self._check_end()
        return data

    def write(self, data: bytes) -> None:
        """Block until all of ``data`` is written.

        Raises TransportError, with the error output of a program that has failed.
        """
        try:
            self._pipe.write(data)
        except TransportError as error:
            if isinstance(error.__cause__, OSError):
                self._check_end()
            raise

    def close(self) -> None:
        """Close both directions and end the program; idempotent."""
        self._is_closed = True
        self._pipe.close()
        for is_last in (False, True):
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_SECONDS)
                break
            _end(self._process, at_once=is_last)
        self._process.wait()
        self._stderr_reader.join(_END_SECONDS)

    def _take_ends(self) -> Pipe:
        """Take over the ends of the program's standard streams."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._process.stdin as write, self._process.stdout as read:
            return stdio_pipe(os.dup(read.fileno()), os.dup(write.fileno()))

    def _check_end(self) -> None:
        """Raise TransportError with the program's error output, unless it ended successfully."""
        try:
            status = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return
        self._stderr_reader.join(_END_SECONDS)
        message = " ".join(bytes(self._stderr).decode(errors="replace").split())
        if status or message:
            how = f"exit status {status}" if status >= 0 else signal.Signals(-status).name
            raise TransportError(f"{self._name} ended with {how}{': ' if message else ''}{message}")

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            while data := os.read(stream.fileno(), _KEPT_BYTES):
                self._stderr = (self._stderr + data)[-_KEPT_BYTES:]


class BuildctlPipe(ProgramPipe):
    """A pipe to a program that runs ``buildctl dial-stdio`` somewhere.

    Some programs print errors to standard output, as ``docker exec`` does if the container has no
    buildctl. The first byte reveals this: a daemon starts with an HTTP/2 SETTINGS frame, which is
    shorter than 64 KiB and so starts with a zero byte (RFC 9113, 3.4 and 4.1).
    """

    _has_started = False

    def read(self) -> bytes:
        """Block until bytes arrive and return them; ``b""`` is the end.

        Raises TransportError for a program that has failed, or writes something else.
        """
        data = super().read()
        if data and not self._has_started:
            self._has_started = True
            if data[0]:
                message = " ".join(data[:_KEPT_BYTES].decode(errors="replace").split())
                raise TransportError(f"{self._name} says: {message}")
        return data


def _end(process: subprocess.Popen[bytes], *, at_once: bool) -> None:
    """Send a signal to a program and its children, which are in the same process group."""
    if sys.platform == "win32":
        # There are neither signals nor such groups.
        process.kill()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL if at_once else signal.SIGTERM)


def start_failure(name: str, error: OSError) -> str:
    """Explain why a program could not be started."""
    if isinstance(error, FileNotFoundError):
        return f"{name} is not on PATH"
    return f"{name} cannot be started: {error.strerror}"
