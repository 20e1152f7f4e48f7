"""The byte stream of a session: ``Control.Session``, messages that carry pieces of it."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

import grpc

from llb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_METHOD = "/moby.buildkit.v1.Control/Session"
# Pieces that wait to be sent; with pieces of up to a megabyte this bounds the memory.
_WAITING = 8
_FIELD = b"\x0a"


class SessionPipe:
    """A pipe through a stream of ``BytesMessage``, opened on ``channel``.

    The messages have one field, so that they are written and read by hand: it
    spares two copies of everything that goes through.
    """

    def __init__(self, channel: grpc.Channel, metadata: Sequence[tuple[str, str]]) -> None:
        self._outgoing: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._closed = threading.Event()
        method = channel.stream_stream(
            _METHOD, request_serializer=_encode, response_deserializer=_decode
        )
        self._call = method(self._pieces(), metadata=tuple(metadata))

    def read(self) -> bytes:
        """Return the next piece, or ``b""`` at the end; raises TransportError."""
        while True:
            try:
                piece: bytes | None = next(self._call, None)
            except grpc.RpcError as error:
                if self._closed.is_set():
                    return b""
                raise TransportError(f"the session broke: {error.details()}") from error
            if piece is None:
                return b""
            if piece:
                return piece

    def write(self, data: bytes) -> None:
        """Send a piece, as soon as there is room for it; raises TransportError."""
        while not self._closed.is_set():
            if not self._call.is_active():
                break
            try:
                self._outgoing.put(bytes(data), timeout=1)
            except queue.Full:
                continue
            return
        raise TransportError("the session is closed")

    def close(self) -> None:
        """End the stream in both directions."""
        if not self._closed.is_set():
            self._closed.set()
            self._call.cancel()

    def _pieces(self) -> Iterator[bytes]:
        while not self._closed.is_set():
            try:
                piece = self._outgoing.get(timeout=1)
            except queue.Empty:
                continue
            if piece is None:
                return
            yield piece


def _encode(data: bytes) -> bytes:
    length = bytearray()
    size = len(data)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return b"".join((_FIELD, length, data))


def _decode(message: bytes) -> bytes:
    if not message:
        return b""
    place, shift, size = 1, 0, 0
    while True:
        byte = message[place]
        size |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            break
    if message[:1] != _FIELD or place + size != len(message):
        raise TransportError("the daemon sent a message that is no part of a session")
    return message[place:]
