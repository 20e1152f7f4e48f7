"""Named pipes of Windows, on which Docker Desktop and a buildkitd listen there.

A read and a write at the same time would block each other on an ordinary handle of a pipe, so the
handle is one for overlapped operations, as that of :mod:`multiprocessing`.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from llb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.grpc import Pipe

_CHUNK = 2**16
# A server is busy for the moment between two clients.
_BUSY_SECONDS = 10.0
_BUSY_STEP = 1000
# SECURITY_SQOS_PRESENT, and SECURITY_ANONYMOUS, which is 0: the server may not act as this user.
_ANONYMOUS = 0x00100000


if sys.platform == "win32":
    import _winapi

    def dial(name: str) -> Pipe:
        r"""Connect to a pipe by its name, ``\\.\pipe\NAME``. Raises TransportError."""
        try:
            return _NamedPipe(_open(name))
        except OSError as error:
            raise TransportError(error.strerror or str(error)) from error

    def listens(name: str) -> bool:
        """Check whether a process listens on a pipe, without connecting to it."""
        try:
            _winapi.WaitNamedPipe(name, _BUSY_STEP)
        except OSError:
            return False
        return True

    def _open(name: str) -> int:
        """Open a pipe; wait while its server is busy. Raises OSError."""
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                return _winapi.CreateFile(
                    name,
                    _winapi.GENERIC_READ | _winapi.GENERIC_WRITE,
                    0,
                    _winapi.NULL,
                    _winapi.OPEN_EXISTING,
                    _winapi.FILE_FLAG_OVERLAPPED | _ANONYMOUS,
                    _winapi.NULL,
                )
            except OSError as error:
                if error.winerror != _winapi.ERROR_PIPE_BUSY or time.monotonic() > deadline:
                    raise
            with suppress(OSError):
                _winapi.WaitNamedPipe(name, _BUSY_STEP)

    class _NamedPipe:
        """An open named pipe."""

        def __init__(self, handle: int) -> None:
            self._handle = handle
            self._is_closed = False
            self._pending: set[_winapi.Overlapped] = set()
            # It guards the start of operations: none begins after the close.
            self._lock = threading.Lock()
            # The handle is closed when no operation uses it.
            self._reading, self._writing = threading.Lock(), threading.Lock()

        def read(self) -> bytes:
            """Block until bytes arrive and return them; ``b""`` is the end."""
            with self._reading:
                try:
                    operation = self._run(_winapi.ReadFile, _CHUNK)
                except BrokenPipeError:
                    return b""
                except OSError as error:
                    raise TransportError(f"reading failed: {error.strerror}") from error
                if operation is None:
                    return b""
                overlapped, count = operation
                return bytes(overlapped.getbuffer() or b"")[:count]

        def write(self, data: bytes) -> None:
            """Block until all of ``data`` is written; raises TransportError."""
            with self._writing:
                unwritten = memoryview(data)
                while unwritten:
                    try:
                        operation = self._run(_winapi.WriteFile, bytes(unwritten[:_CHUNK]))
                    except OSError as error:
                        raise TransportError(f"writing failed: {error.strerror}") from error
                    if operation is None:
                        raise TransportError("pipe is closed")
                    unwritten = unwritten[operation[1] :]

        def close(self) -> None:
            """Close both directions and unblock threads that read or write; idempotent."""
            with self._lock:
                if self._is_closed:
                    return
                self._is_closed = True
                for overlapped in self._pending:
                    overlapped.cancel()
            with self._reading, self._writing:
                _winapi.CloseHandle(self._handle)

        def _run(
            self, start: Callable[..., tuple[_winapi.Overlapped, int]], argument: bytes | int
        ) -> tuple[_winapi.Overlapped, int] | None:
            """Run an operation; return it and its number of bytes, None if the pipe is closed."""
            with self._lock:
                if self._is_closed:
                    return None
                overlapped, _ = start(self._handle, argument, overlapped=True)
                self._pending.add(overlapped)
            try:
                count, error = overlapped.GetOverlappedResult(True)  # noqa: FBT003 - has no name
            finally:
                with self._lock:
                    self._pending.discard(overlapped)
            return None if error == _winapi.ERROR_OPERATION_ABORTED else (overlapped, count)

else:

    def dial(name: str) -> Pipe:  # noqa: ARG001
        """Raise TransportError: this system has no such pipes."""
        raise TransportError("named pipes exist on Windows only")

    def listens(name: str) -> bool:  # noqa: ARG001
        """Return False: this system has no such pipes."""
        return False
