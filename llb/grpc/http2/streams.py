"""What one HTTP/2 stream keeps: the bytes waiting to be sent and both windows."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Headers = tuple[tuple[str, str], ...]
Buffer = bytes | bytearray | memoryview

# Below this size a copy into a shared buffer is cheaper than a piece of its own.
_SMALL = 2048


class SendQueue:
    """Bytes waiting for the windows, in order.

    Small pieces are copied together as they come; large ones are only
    referred to, and cut into frames as views, so that the join of a whole
    pipe write is the one copy that is made of them.
    """

    __slots__ = ("_pieces", "_tail", "size")

    def __init__(self) -> None:
        self._pieces: deque[Buffer] = deque()
        self._tail = bytearray()
        self.size = 0

    def put(self, piece: bytes) -> None:
        """Add ``piece`` at the end."""
        if len(piece) < _SMALL:
            self._tail += piece
        else:
            self._seal()
            self._pieces.append(piece)
        self.size += len(piece)

    def take(self, size: int, into: list[Buffer]) -> None:
        """Move the first ``size`` bytes to ``into``; there must be that many."""
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
        """Forget everything."""
        self._pieces.clear()
        self._tail = bytearray()
        self.size = 0

    def _seal(self) -> None:
        # A bytearray that is referred to by a view cannot grow any more.
        if self._tail:
            self._pieces.append(self._tail)
            self._tail = bytearray()


class Stream:
    """One stream as the connection sees it.

    ``send_window`` is what the peer lets us send and may be negative after
    its settings changed; ``receive_window`` is what we let it send;
    ``owed`` is what was read of that and not yet given back.
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
        # The local side ends after its queue, with trailers if there are some.
        self.ending = False
        self.trailers: Headers | None = None
        self.local_closed = False
        self.remote_closed = False
        # Whether the stream has its place in the round of those that send.
        self.is_enlisted = False

    @property
    def has_more(self) -> bool:
        """Whether this side still has something to send, now or later."""
        return bool(self.queue.size) or (self.ending and not self.local_closed)

    def can_send(self, connection_window: int) -> bool:
        """Return whether a frame of this stream could go out now."""
        if self.queue.size:
            return self.send_window > 0 and connection_window > 0
        return self.ending and not self.local_closed


def header_list_size(headers: Iterable[tuple[str, str]]) -> int:
    """Return the size of a header list as SETTINGS_MAX_HEADER_LIST_SIZE counts it."""
    return sum(len(name) + len(value) + 32 for name, value in headers)
