"""HTTP/2 frames as bytes, both ways: the layout of RFC 9113 sections 4 and 6.

Nothing here knows streams, windows or I/O. :class:`FrameReader` cuts frames
out of whatever pieces a pipe hands over; the other functions build one.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from llb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# Kinds of frames, flags and settings are plain integers, because they are
# compared once a frame, and an IntEnum member costs ten times as much to reach.
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
# The first word holds the 24 bits of the length and the 8 of the kind.
_HEADER = Struct(">IBI")
_SETTING = Struct(">HI")
_WORD = Struct(">I")
_TWO_WORDS = Struct(">II")

# Frames whose length the specification fixes; any other is a FRAME_SIZE_ERROR.
_FIXED_SIZES = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
# Frames that belong to the connection; every other kind belongs to a stream.
_CONNECTION_FRAMES = frozenset({SETTINGS, PING, GOAWAY})


class ErrorCode(IntEnum):
    """Why a stream or a connection ended (RFC 9113 section 7)."""

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
    """The peer broke HTTP/2; ``code`` is what the GOAWAY to it says."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class Frame(NamedTuple):
    """One frame: ``size`` is what it takes from the windows, if it is DATA.

    A tuple, and not an attrs class, because it is unpacked once per 16 KiB.
    """

    kind: int
    flags: int
    stream_id: int
    payload: memoryview
    size: int


class FrameReader:
    """Cuts frames out of a byte stream that arrives in any pieces.

    DATA is handed on as it arrives: a frame that comes in pieces comes out as
    smaller frames, which HTTP/2 does not tell apart, so that its bytes are
    never gathered twice. Every other frame is kept until it is whole, and
    ``held_limit`` bounds how long such a frame may be.
    """

    def __init__(self, *, frame_limit: int, held_limit: int) -> None:
        self._frame_limit = frame_limit
        self._held_limit = held_limit
        self._held = bytearray()
        self._wanted = HEADER_SIZE
        self._open: tuple[int, int, int] | None = None

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that ``data`` completes; raises :class:`ProtocolError`."""
        if self._held:
            self._held += data
            if len(self._held) < self._wanted:
                return
            data = bytes(self._held)
            self._held.clear()
        view = memoryview(data)
        at, end = 0, len(data)
        self._wanted = HEADER_SIZE
        if self._open is not None:
            length, flags, stream_id = self._open
            at = min(length, end)
            yield self._piece(view[:at], length, flags, stream_id)
        while end - at >= HEADER_SIZE:
            word, flags, stream_id = _HEADER.unpack_from(data, at)
            length, kind = word >> 8, word & 0xFF
            stream_id &= LARGEST_WINDOW
            self._check(kind, length, stream_id)
            start = at + HEADER_SIZE
            in_pieces = kind == DATA and not flags & PADDED
            if in_pieces and (start < end or not length):
                at = min(start + length, end)
                yield self._piece(view[start:at], length, flags, stream_id)
                continue
            if end - start < length:
                self._wanted = HEADER_SIZE + (1 if in_pieces else length)
                break
            at = start + length
            yield _unpadded(kind, flags, stream_id, view[start:at])
        if at < end:
            self._held += view[at:]

    def _piece(self, payload: memoryview, length: int, flags: int, stream_id: int) -> Frame:
        here = len(payload)
        self._open = None
        if here < length:
            self._open = (length - here, flags, stream_id)
            flags &= ~END_STREAM
        return Frame(DATA, flags, stream_id, payload, here)

    def _check(self, kind: int, length: int, stream_id: int) -> None:
        limit = self._frame_limit if kind == DATA else min(self._frame_limit, self._held_limit)
        if length > limit or _FIXED_SIZES.get(kind, length) != length:
            raise ProtocolError(
                ErrorCode.FRAME_SIZE_ERROR, f"frame of kind {kind} with a length of {length}"
            )
        if kind <= CONTINUATION and kind != WINDOW_UPDATE:
            expected = kind in _CONNECTION_FRAMES
            if expected != (stream_id == 0):
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
    """Return the nine bytes that precede a payload of ``length`` bytes."""
    return _HEADER.pack(length << 8 | kind, flags, stream_id)


def settings(values: Iterable[tuple[int, int]]) -> bytes:
    """Return a SETTINGS frame of these (identifier, value) pairs."""
    body = b"".join(_SETTING.pack(identifier, value) for identifier, value in values)
    return header(SETTINGS, 0, 0, len(body)) + body


def parse_settings(payload: memoryview) -> list[tuple[int, int]]:
    """Return the (identifier, value) pairs of a SETTINGS payload, in order."""
    if len(payload) % _SETTING.size:
        raise ProtocolError(ErrorCode.FRAME_SIZE_ERROR, f"settings of {len(payload)} bytes")
    return list(_SETTING.iter_unpack(payload))


SETTINGS_ACK = header(SETTINGS, ACK, 0, 0)


def ping_ack(payload: memoryview) -> bytes:
    """Return the answer to a PING with this payload."""
    return header(PING, ACK, 0, 8) + bytes(payload)


def window_update(stream_id: int, increment: int) -> bytes:
    """Return a WINDOW_UPDATE; stream 0 is the connection."""
    return header(WINDOW_UPDATE, 0, stream_id, 4) + _WORD.pack(increment)


def rst_stream(stream_id: int, code: int) -> bytes:
    """Return an RST_STREAM."""
    return header(RST_STREAM, 0, stream_id, 4) + _WORD.pack(code)


def goaway(last_stream_id: int, code: int) -> bytes:
    """Return a GOAWAY without debug data."""
    return header(GOAWAY, 0, 0, 8) + _TWO_WORDS.pack(last_stream_id, code)


def parse_word(payload: memoryview) -> int:
    """Return the 32 bits of an RST_STREAM or a WINDOW_UPDATE."""
    return int.from_bytes(payload[:4], "big")


def parse_goaway(payload: memoryview) -> tuple[int, int, str]:
    """Return the last stream, the error code and the debug text of a GOAWAY."""
    if len(payload) < _TWO_WORDS.size:
        raise ProtocolError(ErrorCode.FRAME_SIZE_ERROR, f"goaway of {len(payload)} bytes")
    last_stream_id, code = _TWO_WORDS.unpack_from(payload)
    return last_stream_id & LARGEST_WINDOW, code, bytes(payload[8:264]).decode("ascii", "replace")


def headers(stream_id: int, block: bytes, *, end: bool, frame_size: int) -> bytes:
    """Return a HEADERS frame, and the CONTINUATION frames its block needs."""
    flags = END_STREAM if end else 0
    parts = [block[at : at + frame_size] for at in range(0, len(block), frame_size)]
    out = []
    for number, part in enumerate(parts):
        kind = CONTINUATION if number else HEADERS
        last = END_HEADERS if number == len(parts) - 1 else 0
        out += [header(kind, last | (0 if number else flags), stream_id, len(part)), part]
    return b"".join(out)
