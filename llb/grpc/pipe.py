"""Byte pipes: the transport of a gRPC connection.

A pipe is a pair of byte streams between two ends. The implementations use file descriptors, a
socket, or memory within one process.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from contextlib import suppress
from fcntl import fcntl
from typing import TYPE_CHECKING, Protocol

from llb.arguments.checked import checked
from llb.errors import TransportError
from llb.grpc import forks

if TYPE_CHECKING:
    from socket import socket

# Reads request this many bytes; Linux lets an unprivileged process make its pipes
# this large, which saves a context switch per 64 KiB.
_CHUNK = 2**20
_F_SETPIPE_SZ = 1031


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
    in no other way.
    """
    return DescriptorPipe(read_fd, write_fd)


@checked
def socket_pipe(sock: socket) -> Pipe:
    """Open a pipe over a connected stream socket, which it owns from then on."""
    fd = sock.detach()
    return DescriptorPipe(fd, fd)


@checked
def memory_pair(capacity: int = 2**20) -> tuple[Pipe, Pipe]:
    """Create two connected pipes; each direction buffers about ``capacity`` bytes."""
    forward, backward = _Queue(capacity), _Queue(capacity)
    return _MemoryPipe(forward, backward), _MemoryPipe(backward, forward)


class DescriptorPipe:
    """A pipe over two descriptors, which become non-blocking.

    Subclasses may override the methods that read and write some bytes; these raise BlockingIOError
    if there is nothing to do yet.
    """

    @checked
    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        for fd in {read_fd, write_fd}:
            os.set_blocking(fd, False)
            with suppress(OSError):
                fcntl(fd, _F_SETPIPE_SZ, _CHUNK)
        self._closed = False
        self._close_lock = threading.Lock()
        # Each lock is held during its operation. Otherwise a descriptor could be closed,
        # and its number reused for another file, while a thread still uses it.
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        # It becomes readable when the pipe is closed, which wakes both pollers.
        self._closing, self._close_signal = os.pipe()
        self._is_parents = False
        forks.register(self)

    def read(self) -> bytes:
        """Block until bytes arrive and return them; ``b""`` is the end."""
        with self._reading:
            while not self._closed:
                try:
                    return self._read_some()
                except BlockingIOError:
                    self._wait(self._read_fd, select.POLLIN)
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
                    self._wait(self._write_fd, select.POLLOUT)
                except OSError as error:
                    raise TransportError(f"writing failed: {error.strerror}") from error

    def close(self) -> None:
        """Close both directions and unblock threads that read or write; idempotent."""
        with self._close_lock:
            if self._closed:
                return
            self._closed = True
        # The end of the pipe would be no signal while a forked process has a copy of it.
        os.write(self._close_signal, b"\0")
        os.close(self._close_signal)
        with self._reading, self._writing:
            self._close_ends()
            os.close(self._closing)

    def after_fork(self) -> None:
        """Close the child's copies of the descriptors; the parent keeps its own."""
        self._close_lock, self._reading, self._writing = (threading.Lock() for _ in range(3))
        if self._closed:
            return
        self._closed = self._is_parents = True
        self._close_ends()
        os.close(self._close_signal)
        os.close(self._closing)

    def _read_some(self) -> bytes:
        """Read the bytes that have arrived; ``b""`` is the end."""
        return os.read(self._read_fd, _CHUNK)

    def _write_some(self, data: memoryview) -> int:
        """Write as much as possible, and return the number of bytes."""
        return os.write(self._write_fd, data)

    def _close_ends(self) -> None:
        """Close the descriptors."""
        for fd in {self._read_fd, self._write_fd}:
            os.close(fd)

    def _wait(self, fd: int, event: int) -> None:
        poll = select.poll()
        poll.register(fd, event)
        poll.register(self._closing, select.POLLIN)
        poll.poll()


class _Queue:
    """One direction of an in-memory pipe."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, data: bytes) -> None:
        with self._changed:
            while self._size >= self._capacity and not self._closed:
                self._changed.wait()
            if self._closed:
                raise TransportError("pipe is closed")
            self._chunks.append(data)
            self._size += len(data)
            self._changed.notify_all()

    def get(self) -> bytes:
        with self._changed:
            while not self._chunks and not self._closed:
                self._changed.wait()
            if not self._chunks:
                return b""
            data = self._chunks.popleft()
            self._size -= len(data)
            self._changed.notify_all()
            return data

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class _MemoryPipe:
    def __init__(self, outgoing: _Queue, incoming: _Queue) -> None:
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
