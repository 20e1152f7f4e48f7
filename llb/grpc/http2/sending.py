"""HTTP/2 sender: schedule the frames of the streams within the windows."""

from __future__ import annotations

from collections import deque

import hpack

from llb.grpc.http2 import frames
from llb.grpc.http2.frames import ErrorCode, ProtocolError
from llb.grpc.http2.streams import Buffer, Headers, Stream, header_list_size

# Bytes that one stream may send before the next one gets its turn.
_QUANTUM = 4 * frames.DEFAULT_FRAME_SIZE
# A larger table would not help with the few headers of gRPC.
_TABLE_LIMIT = 4096


class Sender:
    """The queue of outgoing frames: control frames first, then the streams in turn.

    Header lists are encoded in the order in which they are sent, because the compression of each
    depends on the previous ones.
    """

    def __init__(self, *, client: bool) -> None:
        self.window = frames.DEFAULT_WINDOW
        # The limits from the peer's settings.
        self.stream_window = frames.DEFAULT_WINDOW
        self.stream_limit = frames.LARGEST_WINDOW
        self._frame_size = frames.DEFAULT_FRAME_SIZE
        self._header_list = frames.LARGEST_WINDOW
        self._client = client
        self._encoder = hpack.Encoder()
        # The smallest and the last size of the peer's header table since the last header list.
        self._table_sizes: tuple[int, int] | None = None
        self._control: list[Buffer] = []
        self._round: deque[Stream] = deque()

    def put_frame(self, frame: bytes) -> None:
        """Queue a frame that is not subject to flow control."""
        self._control.append(frame)

    def put_headers(self, stream_id: int, headers: Headers) -> None:
        """Queue a header list that does not end its stream."""
        self._control.append(self._encode(stream_id, headers, end=False))

    def enlist(self, stream: Stream) -> None:
        """Add a stream to the round of sending streams, unless it is already in it."""
        if not stream.is_enlisted:
            stream.is_enlisted = True
            self._round.append(stream)

    def fits(self, headers: Headers) -> bool:
        """Check whether a header list is within the peer's limit."""
        return header_list_size(headers) <= self._header_list

    def apply(self, identifier: int, value: int) -> None:
        """Apply a setting of the peer; the caller adjusts the windows of open streams."""
        match identifier:
            case frames.HEADER_TABLE_SIZE:
                size = min(value, _TABLE_LIMIT)
                smallest, _ = self._table_sizes or (size, size)
                self._table_sizes = (min(smallest, size), size)
            case frames.MAX_CONCURRENT_STREAMS:
                self.stream_limit = value
            case frames.INITIAL_WINDOW_SIZE:
                if value > frames.LARGEST_WINDOW:
                    raise ProtocolError(
                        ErrorCode.FLOW_CONTROL_ERROR, f"invalid window size {value}"
                    )
                self.stream_window = value
            case frames.MAX_FRAME_SIZE:
                if not frames.DEFAULT_FRAME_SIZE <= value <= frames.LARGEST_FRAME_SIZE:
                    raise ProtocolError(ErrorCode.PROTOCOL_ERROR, f"invalid frame size {value}")
                self._frame_size = value
            case frames.MAX_HEADER_LIST_SIZE:
                self._header_list = value
            case _:
                pass  # Unknown settings must be ignored (section 6.5.2).

    @property
    def has_output(self) -> bool:
        """Whether :meth:`take` would return anything."""
        return bool(self._control) or any(stream.can_send(self.window) for stream in self._round)

    def take(self, limit: int) -> tuple[list[Buffer], list[Stream]]:
        """Take frames of about ``limit`` bytes as pieces, and the streams that they end.

        Streams take turns, so a small answer does not wait behind a large upload.
        """
        out, self._control = self._control, []
        ended: list[Stream] = []
        size = stuck = 0
        while size < limit and stuck < len(self._round):
            stream = self._round.popleft()
            if stream.can_send(self.window):
                size += self._send(stream, out)
                stuck = 0
                if stream.local_closed:
                    ended.append(stream)
            elif stream.has_more:
                stuck += 1
            if stream.has_more:
                self._round.append(stream)
            else:
                stream.is_enlisted = False
        return out, ended

    def _send(self, stream: Stream, out: list[Buffer]) -> int:
        turn = max(0, min(_QUANTUM, self.window, stream.send_window, stream.queue.size))
        remaining = turn
        while remaining:
            size = min(remaining, self._frame_size)
            last = stream.ending and stream.trailers is None and size == stream.queue.size
            flags = frames.END_STREAM if last else 0
            out.append(frames.header(frames.DATA, flags, stream.id, size))
            stream.queue.take(size, out)
            stream.local_closed = last
            remaining -= size
        stream.send_window -= turn
        self.window -= turn
        if stream.ending and not stream.queue.size:
            self._end(stream, out)
        return turn

    def _end(self, stream: Stream, out: list[Buffer]) -> None:
        if stream.trailers is not None:
            out.append(self._encode(stream.id, stream.trailers, end=True))
        elif not stream.local_closed:
            out.append(frames.header(frames.DATA, frames.END_STREAM, stream.id, 0))
        stream.local_closed = True
        if not self._client and not stream.remote_closed:
            # The response is complete, so the rest of the request is not needed.
            out.append(frames.rst_stream(stream.id, ErrorCode.NO_ERROR))
            stream.remote_closed = True

    def _encode(self, stream_id: int, headers: Headers, *, end: bool) -> bytes:
        # Both must be told to the peer, and no others (RFC 7541, 4.2).
        for size in self._table_sizes or ():
            self._encoder.header_table_size = size
        self._table_sizes = None
        # On a local pipe, Huffman coding costs more than it saves.
        block = self._encoder.encode(headers, huffman=False)
        return frames.headers(stream_id, block, end=end, frame_size=self._frame_size)
