"""gRPC message framing: a flag, a length and the message.

The rule is "Length-Prefixed-Message" of gRPC's PROTOCOL-HTTP2 document. Compression is not offered
and therefore not accepted.
"""

from __future__ import annotations

from collections import deque
from struct import Struct

from llb.errors import RemoteError
from llb.grpc.status import Code

_PREFIX = Struct(">BI")
PREFIX_SIZE = _PREFIX.size


def prefix(message: bytes) -> bytes:
    """Encode the five bytes that precede ``message``."""
    return _PREFIX.pack(0, len(message))


class MessageReader:
    """A reader that assembles messages from pieces of any size.

    ``messages`` holds the complete ones in order.
    """

    def __init__(self, limit: int) -> None:
        self.messages: deque[bytes] = deque()
        self._limit = limit
        # The copied bytes of the incomplete message, and those that are still in
        # the buffers they were read into.
        self._kept = bytearray()
        self._parts: list[memoryview] = []
        self._have = 0
        self._need = PREFIX_SIZE
        self._in_message = False

    def take(self) -> deque[bytes]:
        """Remove and return the complete messages."""
        taken, self.messages = self.messages, deque()
        return taken

    @property
    def is_between_messages(self) -> bool:
        """Whether the stream may end here without truncating a message."""
        return not self._in_message and not self._have

    def feed(self, data: memoryview) -> None:
        """Add received bytes.

        Raises :class:`~llb.errors.RemoteError` with ``RESOURCE_EXHAUSTED`` for a message above the
        limit and ``INTERNAL`` for a compressed one.
        """
        offset, end = self._take_whole(data, 0), len(data)
        while offset < end:
            piece = data[offset : offset + self._need - self._have]
            size = len(piece)
            offset += size
            if size == self._need:
                self._finish(piece)
            else:
                self._parts.append(piece)
                self._have += size
                if self._have == self._need:
                    self._finish(b"".join((self._kept, *self._parts)))
            offset = self._take_whole(data, offset)

    def settle(self) -> None:
        """Copy the bytes of an incomplete message, so that their buffers can be freed.

        Without this, a peer could keep a whole read buffer alive with each single byte.
        """
        for part in self._parts:
            self._kept += part
        self._parts.clear()

    def _take_whole(self, data: memoryview, offset: int) -> int:
        """Read consecutive complete messages, of which there may be thousands.

        Returns the offset of the first incomplete or invalid message.
        """
        if self._in_message or self._have:
            return offset
        last = len(data) - PREFIX_SIZE
        while offset <= last:
            flag, length = _PREFIX.unpack_from(data, offset)
            if flag or length > self._limit or length > last - offset:
                break
            offset += PREFIX_SIZE
            self.messages.append(bytes(data[offset : offset + length]))
            offset += length
        return offset

    def _finish(self, content: bytes | memoryview) -> None:
        if self._have:
            self._kept.clear()
            self._parts.clear()
            self._have = 0
        if self._in_message:
            self.messages.append(bytes(content))
            self._in_message = False
            self._need = PREFIX_SIZE
            return
        flag, length = _PREFIX.unpack(content)
        if flag:
            raise RemoteError("message is compressed without an encoding", code=Code.INTERNAL)
        if length > self._limit:
            raise RemoteError(
                f"message of {length} bytes is larger than the limit of {self._limit}",
                code=Code.RESOURCE_EXHAUSTED,
            )
        self._in_message = True
        self._need = length
        if not length:
            self._finish(b"")
