"""State of one HTTP/2 stream: the send queue and both flow control windows."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Headers = tuple[tuple[str, str], ...]
Buffer = bytes | bytearray | memoryview

# Below this size, copying into a shared buffer is cheaper than a separate piece.
_SMALL = 2048


class SendQueue:
    """Bytes that wait for the windows, in order.

    Small pieces are copied together as they arrive. Large ones are only referenced, and cut into
    frames as views, so the join of a whole pipe write is their only copy.
    """

    __slots__ = ("_pieces", "_tail", "size")

    def __init__(self) -> None:
        self._pieces: deque[Buffer] = deque()
        self._tail = bytearray()
        self.size = 0

    def put(self, piece: bytes) -> None:
        """Append ``piece``."""
        if len(piece) < _SMALL:
            self._tail += piece
        else:
            self._seal()
            self._pieces.append(piece)
        self.size += len(piece)

    def take(self, size: int, into: list[Buffer]) -> None:
        """Move the first ``size`` bytes to ``into``; the queue must hold that many."""
        self._seal()
        self.size -= size
        while size:
            piece = self._pieces[0]
            length = len(piece)
            if length <= size:
                into.append(piece)
                self._pieces.popleft()
                size -= length
            else:
                view = memoryview(piece)
                into.append(view[:size])
                self._pieces[0] = view[size:]
                return

    def clear(self) -> None:
        """Discard all bytes."""
        self._pieces.clear()
        self._tail = bytearray()
        self.size = 0

    def _seal(self) -> None:
        # A bytearray cannot grow while a view refers to it.
        if self._tail:
            self._pieces.append(self._tail)
            self._tail = bytearray()


class Stream:
    """The state of one stream within a connection.

    ``send_window`` is what the peer allows this side to send; it may be negative after the peer's
    settings changed. ``receive_window`` is what this side allows the peer to send. ``owed`` counts
    the bytes that were consumed but not yet returned to the window.
    """

    __slots__ = (
        "ending",
        "id",
        "is_enlisted",
        "local_closed",
        "owed",
        "queue",
        "receive_window",
        "remote_closed",
        "send_window",
        "trailers",
    )

    def __init__(self, stream_id: int, *, send_window: int, receive_window: int) -> None:
        self.id = stream_id
        self.queue = SendQueue()
        self.send_window = send_window
        self.receive_window = receive_window
        self.owed = 0
        # Whether the local side ends after its queue, with trailers if any.
        self.ending = False
        self.trailers: Headers | None = None
        self.local_closed = False
        self.remote_closed = False
        # Whether the stream is in the sender's round.
        self.is_enlisted = False

    @property
    def has_more(self) -> bool:
        """Whether this side still has something to send, now or later."""
        return bool(self.queue.size) or (self.ending and not self.local_closed)

    def can_send(self, connection_window: int) -> bool:
        """Check whether a frame of this stream can be sent now."""
        if self.queue.size:
            return self.send_window > 0 and connection_window > 0
        return self.ending and not self.local_closed


def header_list_size(headers: Iterable[tuple[str, str]]) -> int:
    """Compute the size of a header list as SETTINGS_MAX_HEADER_LIST_SIZE counts it."""
    return sum(len(name) + len(value) + 32 for name, value in headers)
