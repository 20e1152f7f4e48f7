"""gRPC messages inside the bytes of a stream: a flag, a length, the message.

The rule is "Length-Prefixed-Message" of gRPC's PROTOCOL-HTTP2 document.
Compression is not offered and therefore not accepted.
"""

from __future__ import annotations

from collections import deque
from struct import Struct

from llb.errors import RemoteError
from llb.grpc.status import Code

_PREFIX = Struct(">BI")
PREFIX_SIZE = _PREFIX.size


def prefix(message: bytes) -> bytes:
    """Return the five bytes that precede ``message``."""
    return _PREFIX.pack(0, len(message))


class MessageReader:
    """Puts messages together from pieces that end anywhere.

    ``messages`` holds the whole ones in order.
    """

    def __init__(self, limit: int) -> None:
        self.messages: deque[bytes] = deque()
        self._limit = limit
        # What was copied of the message that is under way, and what still lies
        # in the buffers it was read into.
        self._kept = bytearray()
        self._parts: list[memoryview] = []
        self._have = 0
        self._need = PREFIX_SIZE
        self._in_message = False

    def take(self) -> deque[bytes]:
        """Return the whole messages and forget them."""
        taken, self.messages = self.messages, deque()
        return taken

    @property
    def is_between_messages(self) -> bool:
        """Whether the stream may end here without cutting a message off."""
        return not self._in_message and not self._have

    def feed(self, data: memoryview) -> None:
        """Take the next bytes.

        Raises :class:`~llb.errors.RemoteError` with ``RESOURCE_EXHAUSTED`` for
        a message above the limit and ``INTERNAL`` for a compressed one.
        """
        at, end = self._take_whole(data, 0), len(data)
        while at < end:
            piece = data[at : at + self._need - self._have]
            size = len(piece)
            at += size
            if size == self._need:
                self._finish(piece)
            else:
                self._parts.append(piece)
                self._have += size
                if self._have == self._need:
                    self._finish(b"".join((self._kept, *self._parts)))
            at = self._take_whole(data, at)

    def settle(self) -> None:
        """Copy what is left over, so that the buffers it lies in can be freed.

        Without this a peer could pin a whole read buffer with each single byte.
        """
        for part in self._parts:
            self._kept += part
        self._parts.clear()

    def _take_whole(self, data: memoryview, at: int) -> int:
        """Take the messages that are whole in one piece, of which there may be thousands.

        Returns where something else begins: a part of one, or what is to be refused.
        """
        if self._in_message or self._have:
            return at
        last = len(data) - PREFIX_SIZE
        while at <= last:
            flag, length = _PREFIX.unpack_from(data, at)
            if flag or length > self._limit or length > last - at:
                break
            at += PREFIX_SIZE
            self.messages.append(bytes(data[at : at + length]))
            at += length
        return at

    def _finish(self, whole: bytes | memoryview) -> None:
        if self._have:
            self._kept.clear()
            self._parts.clear()
            self._have = 0
        if self._in_message:
            self.messages.append(bytes(whole))
            self._in_message = False
            self._need = PREFIX_SIZE
            return
        flag, length = _PREFIX.unpack(whole)
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
