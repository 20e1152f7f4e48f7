"""Encode and decode HTTP/2 frames (RFC 9113, sections 4 and 6).

This module does not know streams, windows or I/O. :class:`FrameReader` splits a byte stream into
frames; the other functions encode and decode single frames.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from llb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# Frame types, flags and settings are plain integers: they are compared for every
# frame, and access to an IntEnum member takes ten times as long.
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 5, 6, 7, 8, 9

ACK = END_STREAM = 0x1
END_HEADERS = 0x4
PADDED = 0x8
HAS_PRIORITY = 0x20

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS = 1, 2, 3
INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 4, 5, 6

DEFAULT_WINDOW = 65_535
DEFAULT_FRAME_SIZE = 16_384
LARGEST_FRAME_SIZE = 16_777_215
LARGEST_WINDOW = 2**31 - 1

HEADER_SIZE = 9
# The first word holds the length (24 bits) and the type (8 bits).
_HEADER = Struct(">IBI")
_SETTING = Struct(">HI")
_WORD = Struct(">I")
_TWO_WORDS = Struct(">II")

# Frames with a fixed length; any other length is a FRAME_SIZE_ERROR.
_FIXED_SIZES = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
# Frames that belong to the connection; all other types belong to a stream.
_CONNECTION_FRAMES = frozenset({SETTINGS, PING, GOAWAY})


class ErrorCode(IntEnum):
    """The reason why a stream or a connection ended (RFC 9113 section 7)."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    SETTINGS_TIMEOUT = 4
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    CONNECT_ERROR = 10
    ENHANCE_YOUR_CALM = 11
    INADEQUATE_SECURITY = 12
    HTTP_1_1_REQUIRED = 13


class ProtocolError(TransportError):
    """The peer violated HTTP/2; ``code`` is sent to it in a GOAWAY."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class Frame(NamedTuple):
    """One frame; ``size`` is the number of bytes that DATA takes from the windows.

    It is a tuple instead of an attrs class because it is unpacked once per 16 KiB.
    """

    kind: int
    flags: int
    stream_id: int
    payload: memoryview
    size: int


class FrameReader:
    """A splitter of a byte stream into frames; the stream may arrive in pieces of any size.

    DATA is passed on as it arrives: a frame that arrives in pieces becomes several smaller frames,
    which is equivalent in HTTP/2 and avoids copying its bytes twice. Every other frame is kept
    until it is complete, and ``held_limit`` limits its length.
    """

    def __init__(self, *, frame_limit: int, held_limit: int) -> None:
        self._frame_limit = frame_limit
        self._held_limit = held_limit
        self._held = bytearray()
        self._needed = HEADER_SIZE
        self._open: tuple[int, int, int] | None = None

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that ``data`` completes. Raises :class:`ProtocolError`."""
        if self._held:
            self._held += data
            if len(self._held) < self._needed:
                return
            data = bytes(self._held)
            self._held.clear()
        view = memoryview(data)
        offset, end = 0, len(data)
        self._needed = HEADER_SIZE
        if self._open is not None:
            length, flags, stream_id = self._open
            offset = min(length, end)
            yield self._piece(view[:offset], length, flags, stream_id)
        while end - offset >= HEADER_SIZE:
            word, flags, stream_id = _HEADER.unpack_from(data, offset)
            length, kind = word >> 8, word & 0xFF
            stream_id &= LARGEST_WINDOW
            self._check(kind, length, stream_id)
            start = offset + HEADER_SIZE
            in_pieces = kind == DATA and not flags & PADDED
            if in_pieces and (start < end or not length):
                offset = min(start + length, end)
                yield self._piece(view[start:offset], length, flags, stream_id)
                continue
            if end - start < length:
                self._needed = HEADER_SIZE + (1 if in_pieces else length)
                break
            offset = start + length
            yield _unpadded(kind, flags, stream_id, view[start:offset])
        if offset < end:
            self._held += view[offset:]

    def _piece(self, payload: memoryview, length: int, flags: int, stream_id: int) -> Frame:
        size = len(payload)
        self._open = None
        if size < length:
            self._open = (length - size, flags, stream_id)
            flags &= ~END_STREAM
        return Frame(DATA, flags, stream_id, payload, size)

    def _check(self, kind: int, length: int, stream_id: int) -> None:
        limit = self._frame_limit if kind == DATA else min(self._frame_limit, self._held_limit)
        if length > limit or _FIXED_SIZES.get(kind, length) != length:
            raise ProtocolError(
                ErrorCode.FRAME_SIZE_ERROR, f"frame of kind {kind} with a length of {length}"
            )
        if kind <= CONTINUATION and kind != WINDOW_UPDATE:
            is_connection_frame = kind in _CONNECTION_FRAMES
            if is_connection_frame != (stream_id == 0):
                raise ProtocolError(
                    ErrorCode.PROTOCOL_ERROR, f"frame of kind {kind} on stream {stream_id}"
                )


def _unpadded(kind: int, flags: int, stream_id: int, payload: memoryview) -> Frame:
    size = len(payload)
    if flags & PADDED and kind in {DATA, HEADERS}:
        if not size or payload[0] >= size:
            raise ProtocolError(ErrorCode.PROTOCOL_ERROR, "padding longer than its frame")
        payload = payload[1 : size - payload[0]]
    if kind == HEADERS and flags & HAS_PRIORITY:
        if len(payload) < 5:
            raise ProtocolError(ErrorCode.FRAME_SIZE_ERROR, "headers shorter than their priority")
        payload = payload[5:]
    return Frame(kind, flags, stream_id, payload, size)


def header(kind: int, flags: int, stream_id: int, length: int) -> bytes:
    """Encode the nine bytes that precede a payload of ``length`` bytes."""
    return _HEADER.pack(length << 8 | kind, flags, stream_id)


def settings(values: Iterable[tuple[int, int]]) -> bytes:
    """Encode a SETTINGS frame with these (identifier, value) pairs."""
    body = b"".join(_SETTING.pack(identifier, value) for identifier, value in values)
    return header(SETTINGS, 0, 0, len(body)) + body


def parse_settings(payload: memoryview) -> list[tuple[int, int]]:
    """Decode the (identifier, value) pairs of a SETTINGS payload, in order."""
    if len(payload) % _SETTING.size:
        raise ProtocolError(ErrorCode.FRAME_SIZE_ERROR, f"settings of {len(payload)} bytes")
    return list(_SETTING.iter_unpack(payload))


SETTINGS_ACK = header(SETTINGS, ACK, 0, 0)


def ping() -> bytes:
    """Encode a PING, whose answer repeats the payload."""
    return header(PING, 0, 0, 8) + bytes(8)


def ping_ack(payload: memoryview) -> bytes:
    """Encode the answer to a PING with this payload."""
    return header(PING, ACK, 0, 8) + bytes(payload)


def window_update(stream_id: int, increment: int) -> bytes:
    """Encode a WINDOW_UPDATE; stream 0 is the connection."""
    return header(WINDOW_UPDATE, 0, stream_id, 4) + _WORD.pack(increment)


def rst_stream(stream_id: int, code: int) -> bytes:
    """Encode an RST_STREAM."""
    return header(RST_STREAM, 0, stream_id, 4) + _WORD.pack(code)


def goaway(last_stream_id: int, code: int) -> bytes:
    """Encode a GOAWAY without debug data."""
    return header(GOAWAY, 0, 0, 8) + _TWO_WORDS.pack(last_stream_id, code)


def parse_word(payload: memoryview) -> int:
    """Decode the 32 bits of an RST_STREAM or a WINDOW_UPDATE."""
    return int.from_bytes(payload[:4], "big")


def parse_goaway(payload: memoryview) -> tuple[int, int, str]:
    """Decode the last stream, the error code and the debug string of a GOAWAY."""
    if len(payload) < _TWO_WORDS.size:
        raise ProtocolError(ErrorCode.FRAME_SIZE_ERROR, f"goaway of {len(payload)} bytes")
    last_stream_id, code = _TWO_WORDS.unpack_from(payload)
    return last_stream_id & LARGEST_WINDOW, code, bytes(payload[8:264]).decode("ascii", "replace")


def headers(stream_id: int, block: bytes, *, end: bool, frame_size: int) -> bytes:
    """Encode a HEADERS frame, and the CONTINUATION frames that its block requires."""
    flags = END_STREAM if end else 0
    parts = [block[offset : offset + frame_size] for offset in range(0, len(block), frame_size)]
    out = []
    for number, part in enumerate(parts):
        kind = CONTINUATION if number else HEADERS
        last = END_HEADERS if number == len(parts) - 1 else 0
        out += [header(kind, last | (0 if number else flags), stream_id, len(part)), part]
    return b"".join(out)
