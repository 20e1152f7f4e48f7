"""Byte pipes: the transport of a gRPC connection.

A pipe is a pair of byte streams between two ends. The implementations use file descriptors, a
socket, or memory within one process.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Protocol

from llb.arguments.checked import checked
from llb.errors import TransportError
from llb.grpc import forks, readiness
from llb.grpc.blocking_pipe import BlockingPipe
from llb.grpc.byte_queue import ByteQueue

if TYPE_CHECKING:
    from socket import socket


class Pipe(Protocol):
    """A bidirectional byte stream."""

    def read(self) -> bytes:
        """Block until bytes arrive and return them; ``b""`` is the end."""

    def write(self, data: bytes) -> None:
        """Block until all of ``data`` is written; one call at a time.

        Raises :class:`~llb.errors.TransportError` if the pipe is closed or broken.
        """

    def close(self) -> None:
        """Close both directions and unblock threads that read or write; idempotent."""


@checked
def stdio_pipe(read_fd: int, write_fd: int) -> Pipe:
    """Open a pipe over two descriptors, which it owns from then on.

    They become non-blocking: on POSIX, :meth:`Pipe.close` can unblock a reading or writing thread
    in no other way. On Windows, two threads read and write them.
    """
    if not readiness.ALL_CAN_WAIT:
        return BlockingPipe(read_fd, write_fd)
    return DescriptorPipe(read_fd, write_fd)


@checked
def socket_pipe(sock: socket) -> Pipe:
    """Open a pipe over a connected stream socket, which it owns from then on."""
    if sys.platform == "win32":
        # There, the number of a socket is not that of a file.
        return _SocketPipe(sock)
    fd = sock.detach()
    return DescriptorPipe(fd, fd)


@checked
def memory_pair(capacity: int = 2**20) -> tuple[Pipe, Pipe]:
    """Create two connected pipes; each direction buffers about ``capacity`` bytes."""
    forward, backward = ByteQueue(capacity), ByteQueue(capacity)
    return _MemoryPipe(forward, backward), _MemoryPipe(backward, forward)


class DescriptorPipe:
    """A pipe over two descriptors, which become non-blocking; on Windows, those of sockets.

    Subclasses may override the methods that read and write some bytes; these raise BlockingIOError
    if there is nothing to do yet.
    """

    @checked
    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        for fd in {read_fd, write_fd}:
            readiness.prepare(fd)
        self._closed = False
        self._close_lock = threading.Lock()
        # Each lock is held during its operation. Otherwise a descriptor could be closed,
        # and its number reused for another file, while a thread still uses it.
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._waker = readiness.Waker()
        self._is_parents = False
        forks.register(self)

    def read(self) -> bytes:
        """Block until bytes arrive and return them; ``b""`` is the end."""
        with self._reading:
            while not self._closed:
                try:
                    return self._read_some()
                except BlockingIOError:
                    self._waker.wait_to_read(self._read_fd)
                except OSError as error:
                    raise TransportError(f"reading failed: {error.strerror}") from error
            if self._is_parents:
                raise forks.ForkedError
            return b""

    @checked
    def write(self, data: bytes) -> None:
        """Block until all of ``data`` is written."""
        with self._writing:
            unwritten = memoryview(data)
            while unwritten:
                if self._is_parents:
                    raise forks.ForkedError
                if self._closed:
                    raise TransportError("pipe is closed")
                try:
                    unwritten = unwritten[self._write_some(unwritten) :]
                except BlockingIOError:
                    self._waker.wait_to_write(self._write_fd)
                except OSError as error:
                    raise TransportError(f"writing failed: {error.strerror}") from error

    def close(self) -> None:
        """Close both directions and unblock threads that read or write; idempotent."""
        with self._close_lock:
            if self._closed:
                return
            self._closed = True
        self._waker.wake()
        with self._reading, self._writing:
            self._close_ends()
            self._waker.close()

    def after_fork(self) -> None:
        """Close the child's copies of the descriptors; the parent keeps its own."""
        self._close_lock, self._reading, self._writing = (threading.Lock() for _ in range(3))
        if self._closed:
            return
        self._closed = self._is_parents = True
        self._close_ends()
        self._waker.after_fork()

    def _read_some(self) -> bytes:
        """Read the bytes that have arrived; ``b""`` is the end."""
        return os.read(self._read_fd, readiness.CHUNK)

    def _write_some(self, data: memoryview) -> int:
        """Write as much as possible, and return the number of bytes."""
        return os.write(self._write_fd, data)

    def _close_ends(self) -> None:
        """Close the descriptors."""
        for fd in {self._read_fd, self._write_fd}:
            os.close(fd)


class _SocketPipe(DescriptorPipe):
    """A pipe over a socket where its descriptor cannot be read and written like that of a file."""

    def __init__(self, sock: socket) -> None:
        sock.settimeout(0)
        self._sock = sock
        super().__init__(sock.fileno(), sock.fileno())

    def _read_some(self) -> bytes:
        return self._sock.recv(readiness.CHUNK)

    def _write_some(self, data: memoryview) -> int:
        return self._sock.send(data)

    def _close_ends(self) -> None:
        self._sock.close()


class _MemoryPipe:
    def __init__(self, outgoing: ByteQueue, incoming: ByteQueue) -> None:
        self._outgoing = outgoing
        self._incoming = incoming

    def read(self) -> bytes:
        return self._incoming.get()

    def write(self, data: bytes) -> None:
        if data:
            self._outgoing.put(data)

    def close(self) -> None:
        self._outgoing.close()
        self._incoming.close()
