"""A pipe over descriptors that nobody can wait for: pipes of programs on Windows."""

from __future__ import annotations

import os
import threading

from llb.arguments.checked import checked
from llb.errors import TransportError
from llb.grpc.byte_queue import ByteQueue

_CAPACITY = 2**20
_CHUNK = 2**16
# How long the last bytes may take to be written.
_END_SECONDS = 3.0


class BlockingPipe:
    """A pipe over two descriptors, which it owns, and which two threads read and write.

    A thread that reads or writes cannot be interrupted, so :meth:`close` does not wait for the
    reading one: it ends, and closes its descriptor, with the other end of the pipe.
    """

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._incoming, self._outgoing = ByteQueue(_CAPACITY), ByteQueue(_CAPACITY)
        self._failures: dict[str, OSError] = {}
        self._is_closed = False
        self._writer = threading.Thread(target=self._write_all, args=(write_fd,), daemon=True)
        self._writer.start()
        threading.Thread(target=self._read_all, args=(read_fd,), daemon=True).start()

    def read(self) -> bytes:
        """Block until bytes arrive and return them; ``b""`` is the end."""
        data = self._incoming.get()
        if not data:
            self._check("reading")
        return data

    @checked
    def write(self, data: bytes) -> None:
        """Block until all of ``data`` is taken; an error of writing is one of the next call."""
        self._check("writing")
        if data:
            self._outgoing.put(data)

    def close(self) -> None:
        """Close both directions and unblock threads that read or write; idempotent."""
        self._is_closed = True
        self._incoming.close()
        self._outgoing.close()
        self._writer.join(_END_SECONDS)

    def _check(self, action: str) -> None:
        failure = self._failures.get(action)
        if failure is not None and not self._is_closed:
            raise TransportError(f"{action} failed: {failure.strerror}") from failure

    def _read_all(self, descriptor: int) -> None:
        try:
            while data := os.read(descriptor, _CHUNK):
                self._incoming.put(data)
        except OSError as error:
            self._failures["reading"] = error
        except TransportError:
            # The pipe was closed meanwhile.
            pass
        finally:
            self._incoming.close()
            os.close(descriptor)

    def _write_all(self, descriptor: int) -> None:
        try:
            while data := self._outgoing.get():
                unwritten = memoryview(data)
                while unwritten:
                    unwritten = unwritten[os.write(descriptor, unwritten) :]
        except OSError as error:
            self._failures["writing"] = error
        finally:
            self._outgoing.close()
            os.close(descriptor)
