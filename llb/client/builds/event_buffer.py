"""The events of a build between the thread that receives them and the one that iterates."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from llb.client.progress.events import VertexLog, VertexWarning
from llb.errors import InvalidValueError
from llb.grpc import forks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb.client.progress.events import Event

# The limit for the events that nobody has read yet, in bytes, and the size of one without its text.
_LIMIT = 64 * 2**20
_EVENT_SIZE = 512


class EventBuffer:
    """A queue of events, closed at the end of the build; every event is read once.

    Up to 64 MiB are kept for readers. Beyond that the oldest events are dropped, and a warning
    takes their place. Without a reader, :meth:`stop_keeping` drops everything.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._events: deque[Event] = deque()
        self._size = 0
        self._dropped = 0
        self._has_reader = False
        self._is_kept = True
        self._is_closed = False
        self._on_ready: list[Callable[[], None]] = []
        forks.register(self)

    def __iter__(self) -> Iterator[Event]:
        """Yield the events until the build ends. Raises InvalidValueError if none are kept."""
        self.claim()
        return self._read()

    def put(self, event: Event) -> None:
        """Add an event; never blocks."""
        with self._changed:
            if not self._is_kept:
                return
            self._events.append(event)
            self._size += _size(event)
            while self._size > _LIMIT:
                self._size -= _size(self._events.popleft())
                self._dropped += 1
            callbacks = self._wake()
        _call_all(callbacks)

    def close(self) -> None:
        """End the iterations, once they have read what is left."""
        with self._changed:
            self._is_closed = True
            callbacks = self._wake()
        _call_all(callbacks)

    def after_fork(self) -> None:
        """End the iterations in the child of a fork, where no more events come."""
        self._changed = threading.Condition()
        self._on_ready = []
        self._is_closed = True

    def stop_keeping(self) -> None:
        """Drop all events, past and future, unless an iteration has begun."""
        with self._changed:
            if not self._has_reader:
                self._is_kept = False
                self._events.clear()

    def claim(self) -> None:
        """Announce a reader. Raises InvalidValueError if events were dropped for want of one."""
        with self._changed:
            if not self._is_kept:
                raise InvalidValueError(
                    "the events of this build were not kept",
                    hint="begin to iterate over the build before result() is called",
                )
            self._has_reader = True

    @property
    def is_over(self) -> bool:
        """Whether all events have been read, and no more will come."""
        with self._changed:
            return self._is_closed and not self._events and not self._dropped

    def take(self) -> Event | None:
        """Take the next event, or None if there is none at present."""
        with self._changed:
            return self._take()

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Call a function once there is an event or none will come, on any thread."""
        with self._changed:
            if not self._is_ready():
                self._on_ready.append(callback)
                return
        callback()

    def _read(self) -> Iterator[Event]:
        while True:
            with self._changed:
                self._changed.wait_for(self._is_ready)
                event = self._take()
            if event is None:
                return
            yield event

    def _is_ready(self) -> bool:
        return bool(self._events) or self._is_closed

    def _take(self) -> Event | None:
        if self._dropped:
            text = f"dropped {self._dropped} events that nobody had read"
            self._dropped = 0
            return VertexWarning("", 1, text, (), None, None)
        if not self._events:
            return None
        event = self._events.popleft()
        self._size -= _size(event)
        return event

    def _wake(self) -> list[Callable[[], None]]:
        """Wake the readers; return the functions to call without the lock."""
        self._changed.notify_all()
        callbacks, self._on_ready = self._on_ready, []
        return callbacks


def _call_all(callbacks: list[Callable[[], None]]) -> None:
    for callback in callbacks:
        callback()


def _size(event: Event) -> int:
    return _EVENT_SIZE + (len(event.data) if isinstance(event, VertexLog) else 0)
