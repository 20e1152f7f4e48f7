"""A program as a pipe: what it reads is written to it, what it prints is read."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from llb.child_processes import environment
from llb.errors import TransportError
from llb.grpc import DescriptorPipe

if TYPE_CHECKING:
    from collections.abc import Sequence

# How long a program may take to end once its input has ended, and then once it was told to.
_END_SECONDS = 3.0
_KEPT_WORDS = 4096


class ProgramPipe(DescriptorPipe):
    """A pipe to the standard input and from the standard output of a program.

    It runs in a session of its own, so that an interrupt from the terminal is ours to
    handle and does not cut the connection first. Its input ends with the pipe, or with this
    process however that ends, which ends the program; one that goes on is killed by
    :meth:`close`. Raises TransportError where it cannot be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._name = command[0]
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
            raise TransportError(not_started(self._name, error)) from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._words = bytearray()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        super().__init__(self._process.stdout.fileno(), self._process.stdin.fileno())

    def close(self) -> None:
        """End both directions, and the program; idempotent."""
        super().close()
        for told in (signal.SIGTERM, signal.SIGKILL):
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_SECONDS)
                break
            # Its own children are in its group.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, told)
        self._process.wait()
        self._listener.join(_END_SECONDS)

    def _read_some(self) -> bytes:
        data = super()._read_some()
        if not data:
            self._check_end()
        return data

    def _write_some(self, data: memoryview) -> int:
        try:
            return super()._write_some(data)
        except BrokenPipeError:
            self._check_end()
            raise

    def _close_ends(self) -> None:
        for end in (self._process.stdin, self._process.stdout):
            assert end is not None
            end.close()

    def _check_end(self) -> None:
        """Raise TransportError with what the program said, unless it ended in order."""
        try:
            status = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return
        self._listener.join(_END_SECONDS)
        words = " ".join(bytes(self._words).decode(errors="replace").split())
        if status or words:
            how = f"exit status {status}" if status >= 0 else signal.Signals(-status).name
            raise TransportError(f"{self._name} ended with {how}{': ' if words else ''}{words}")

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            while data := os.read(stream.fileno(), _KEPT_WORDS):
                self._words = (self._words + data)[-_KEPT_WORDS:]


class BuildctlPipe(ProgramPipe):
    """A pipe to a program that runs ``buildctl dial-stdio`` somewhere.

    Some say on their standard output why they cannot, as ``docker exec`` does without a
    buildctl in the container. That is told by the first byte: a daemon begins with settings
    of HTTP/2, which are shorter than 64 KiB (RFC 9113, 3.4 and 4.1).
    """

    _begun = False

    def _read_some(self) -> bytes:
        data = super()._read_some()
        if data and not self._begun:
            self._begun = True
            if data[0]:
                words = " ".join(data[:_KEPT_WORDS].decode(errors="replace").split())
                raise TransportError(f"{self._name} says: {words}")
        return data


def not_started(name: str, error: OSError) -> str:
    """Return why a program could not be started."""
    if isinstance(error, FileNotFoundError):
        return f"{name} is not on PATH"
    return f"{name} cannot be started: {error.strerror}"
