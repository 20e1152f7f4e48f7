"""A queue of bytes between two threads."""

from __future__ import annotations

import threading
from collections import deque

from llb.errors import TransportError


class ByteQueue:
    """A queue that holds about ``capacity`` bytes. After :meth:`close`, what it holds can be read."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, data: bytes) -> None:
        """Wait for room and add bytes; raises TransportError if the queue is closed."""
        with self._changed:
            while self._size >= self._capacity and not self._closed:
                self._changed.wait()
            if self._closed:
                raise TransportError("pipe is closed")
            self._chunks.append(data)
            self._size += len(data)
            self._changed.notify_all()

    def get(self) -> bytes:
        """Wait for bytes and remove them; ``b""`` is the end."""
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
        """End the queue and all waits; idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
