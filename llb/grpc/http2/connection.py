"""HTTP/2 connection as a state machine: bytes in, events and bytes out.

It implements the part of RFC 9113 that gRPC needs, in the client and the server role, without I/O,
clock or threads. All memory that a peer can make this side use is limited; see
:class:`~llb.grpc.http2.events.Limits`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import hpack

from llb.grpc.http2 import frames
from llb.grpc.http2.events import DataReceived, GoAwayReceived, HeadersReceived, StreamReset
from llb.grpc.http2.frames import ErrorCode, Frame, FrameReader, ProtocolError
from llb.grpc.http2.sending import Sender
from llb.grpc.http2.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llb.grpc.http2.events import Event, Limits
    from llb.grpc.http2.streams import Buffer, Headers


class Connection:
    """The state of one connection; not thread-safe."""

    def __init__(self, *, client: bool, limits: Limits) -> None:
        self._client = client
        self._limits = limits
        self._streams: dict[int, Stream] = {}
        self._sender = Sender(client=client)
        self._decoder = hpack.Decoder(max_header_list_size=limits.header_list)
        self._reader = FrameReader(frame_limit=limits.frame_size, held_limit=limits.header_list)
        # The part of the client's preface that has not arrived yet.
        self._preface = b"" if client else frames.PREFACE
        # Whether the peer's settings arrived, and whether it acknowledged ours.
        self._settled = False
        self._acknowledged = False
        self._next_id = 1
        self._last_peer_id = 0
        # No setting can shrink the connection's window below its initial size.
        self._receive_window = max(limits.connection_window, frames.DEFAULT_WINDOW)
        self._owed = 0
        self._nuisance = 0
        self._answers = 0
        # The header block that waits for a CONTINUATION: stream, flags, bytes so far.
        self._block: tuple[int, int, bytearray] | None = None
        self._send_preface()

    def _send_preface(self) -> None:
        limits = self._limits
        settings = [
            (frames.INITIAL_WINDOW_SIZE, limits.stream_window),
            (frames.MAX_FRAME_SIZE, limits.frame_size),
            (frames.MAX_HEADER_LIST_SIZE, limits.header_list),
        ]
        if self._client:
            self._sender.put_frame(frames.PREFACE)
            settings.append((frames.ENABLE_PUSH, 0))
        else:
            settings.append((frames.MAX_CONCURRENT_STREAMS, limits.streams))
        self._sender.put_frame(frames.settings(settings))
        increment = limits.connection_window - frames.DEFAULT_WINDOW
        if increment > 0:
            self._sender.put_frame(frames.window_update(0, increment))

    # Sending.

    @property
    def can_open(self) -> bool:
        """Whether the peer's limit on concurrent streams allows another one."""
        return len(self._streams) < self._sender.stream_limit

    def open_stream(self, headers: Headers) -> int:
        """Open a stream with these request headers and return its number."""
        stream_id = self._next_id
        if stream_id > frames.LARGEST_WINDOW:
            raise ProtocolError(ErrorCode.NO_ERROR, "connection has no stream numbers left")
        self._next_id += 2
        self._add_stream(stream_id)
        self._sender.put_headers(stream_id, headers)
        return stream_id

    def send_headers(self, stream_id: int, headers: Headers) -> None:
        """Queue a header list that does not end its stream."""
        if stream_id in self._streams:
            self._sender.put_headers(stream_id, headers)

    def send_data(self, stream_id: int, *pieces: bytes) -> int:
        """Queue bytes, and return the number of unsent bytes of the stream."""
        stream = self._streams.get(stream_id)
        if stream is None or stream.ending:
            return 0
        for piece in pieces:
            stream.queue.put(piece)
        self._sender.enlist(stream)
        return stream.queue.size

    def waiting(self, stream_id: int) -> int:
        """Count the unsent bytes of a stream."""
        stream = self._streams.get(stream_id)
        return 0 if stream is None else stream.queue.size

    def end_stream(self, stream_id: int, trailers: Headers | None = None) -> None:
        """End this side of a stream after its queued bytes, with trailers if given."""
        stream = self._streams.get(stream_id)
        if stream is not None and not stream.ending:
            stream.ending = True
            stream.trailers = trailers
            self._sender.enlist(stream)

    def fits_peer(self, headers: Headers) -> bool:
        """Check whether a header list is within the peer's limit."""
        return self._sender.fits(headers)

    def reset(self, stream_id: int, code: ErrorCode) -> None:
        """Reset a stream, if it still exists."""
        stream = self._streams.get(stream_id)
        if stream is not None:
            self._forget(stream)
            self._sender.put_frame(frames.rst_stream(stream_id, code))

    def consumed(self, stream_id: int, size: int) -> None:
        """Return ``size`` received bytes to the windows, so that the peer may send as many again.

        For stream 0 only the connection's window grows. Updates are sent for half a window at a
        time, because each costs a frame on both sides.
        """
        self._owed += size
        if self._owed * 2 >= self._limits.connection_window:
            self._sender.put_frame(frames.window_update(0, self._owed))
            self._receive_window += self._owed
            self._owed = 0
        stream = self._streams.get(stream_id)
        if stream is None or stream.remote_closed:
            return
        stream.owed += size
        if stream.owed * 2 >= self._limits.stream_window:
            self._sender.put_frame(frames.window_update(stream_id, stream.owed))
            stream.receive_window += stream.owed
            stream.owed = 0

    def ping(self) -> None:
        """Ask the peer for an answer."""
        self._sender.put_frame(frames.ping())

    def go_away(self, code: ErrorCode) -> None:
        """Queue a GOAWAY frame: this side is leaving."""
        self._sender.put_frame(frames.goaway(self._last_peer_id, code))

    @property
    def has_output(self) -> bool:
        """Whether :meth:`take_output` would return anything."""
        return self._sender.has_output

    def take_output(self, limit: int) -> list[Buffer]:
        """Take frames of about ``limit`` bytes, as pieces to be joined."""
        self._answers = 0
        pieces, ended = self._sender.take(limit)
        for stream in ended:
            if stream.remote_closed:
                self._forget(stream)
                self._nuisance = max(0, self._nuisance - 1)
        return pieces

    def _add_stream(self, stream_id: int) -> Stream:
        window = self._limits.stream_window
        if not self._acknowledged:
            # A peer that has not read our settings yet uses the defaults.
            window = max(window, frames.DEFAULT_WINDOW)
        stream = Stream(stream_id, send_window=self._sender.stream_window, receive_window=window)
        self._streams[stream_id] = stream
        return stream

    def _forget(self, stream: Stream) -> None:
        self._streams.pop(stream.id, None)
        stream.queue.clear()
        stream.ending = stream.local_closed = stream.remote_closed = True

    # Receiving.

    def receive(self, data: bytes) -> list[Event]:
        """Process received bytes and return their events.

        Raises :class:`ProtocolError` if the peer violated the protocol. A GOAWAY for the peer is
        then queued, and no more bytes must be passed in.
        """
        events: list[Event] = []
        try:
            for frame in self._reader.feed(self._strip_preface(data)):
                self._handle(frame, events)
        except ProtocolError as error:
            self.go_away(error.code)
            if self._settled:
                raise
            raise ProtocolError(
                error.code, f"peer does not speak HTTP/2: {error.message}"
            ) from error
        return events

    def _strip_preface(self, data: bytes) -> bytes:
        if not self._preface:
            return data
        size = min(len(data), len(self._preface))
        if data[:size] != self._preface[:size]:
            raise ProtocolError(ErrorCode.PROTOCOL_ERROR, "wrong preface")
        self._preface = self._preface[size:]
        return data[size:]

    def _handle(self, frame: Frame, events: list[Event]) -> None:
        kind = frame.kind
        awaited = self._block
        if awaited is not None and (kind != frames.CONTINUATION or frame.stream_id != awaited[0]):
            raise ProtocolError(ErrorCode.PROTOCOL_ERROR, "header block was interrupted")
        if not self._settled and (kind != frames.SETTINGS or frame.flags & frames.ACK):
            raise ProtocolError(ErrorCode.PROTOCOL_ERROR, "missing SETTINGS at the start")
        # Priorities and unknown frame types must be ignored (sections 5.3.2 and 5.5).
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, frame, events)

    def _on_data(self, frame: Frame, events: list[Event]) -> None:
        self._receive_window -= frame.size
        if self._receive_window < 0:
            raise ProtocolError(ErrorCode.FLOW_CONTROL_ERROR, "peer sent more than its window")
        stream = self._streams.get(frame.stream_id)
        end = bool(frame.flags & frames.END_STREAM)
        if not len(frame.payload) and not end:
            self._count_nuisance("empty frames")
        if stream is None or stream.remote_closed:
            self._on_stray_data(frame, stream, events)
            return
        stream.receive_window -= frame.size
        if stream.receive_window < 0:
            self.consumed(0, frame.size)
            self._reset_for(stream, ErrorCode.FLOW_CONTROL_ERROR, events)
            return
        padding = frame.size - len(frame.payload)
        if padding:
            self.consumed(frame.stream_id, padding)
        events.append(DataReceived(frame.stream_id, frame.payload, end))
        if end:
            self._close_remote(stream)

    def _on_stray_data(self, frame: Frame, stream: Stream | None, events: list[Event]) -> None:
        self._check_was_opened(frame.stream_id)
        self.consumed(0, frame.size)
        if stream is not None:
            self._reset_for(stream, ErrorCode.STREAM_CLOSED, events)

    def _on_window_update(self, frame: Frame, events: list[Event]) -> None:
        increment = frames.parse_word(frame.payload) & frames.LARGEST_WINDOW
        if not frame.stream_id:
            self._sender.window += increment
            if not increment or self._sender.window > frames.LARGEST_WINDOW:
                raise ProtocolError(
                    ErrorCode.FLOW_CONTROL_ERROR, "peer broke the connection window"
                )
            return
        stream = self._streams.get(frame.stream_id)
        if stream is None:
            self._check_was_opened(frame.stream_id)
            return
        stream.send_window += increment
        if not increment or stream.send_window > frames.LARGEST_WINDOW:
            self._reset_for(stream, ErrorCode.FLOW_CONTROL_ERROR, events)

    def _on_first_block(self, frame: Frame, events: list[Event]) -> None:
        self._on_block(frame.stream_id, frame, bytearray(), events)

    def _on_continuation(self, frame: Frame, events: list[Event]) -> None:
        if self._block is None:
            raise ProtocolError(ErrorCode.PROTOCOL_ERROR, "CONTINUATION without a header block")
        if not len(frame.payload) and not frame.flags & frames.END_HEADERS:
            self._count_nuisance("empty frames")
        stream_id, flags, block = self._block
        merged = frame._replace(flags=frame.flags | flags)
        self._on_block(stream_id, merged, block, events)

    def _on_block(
        self, stream_id: int, frame: Frame, block: bytearray, events: list[Event]
    ) -> None:
        block += frame.payload
        if len(block) > self._limits.header_list:
            raise ProtocolError(ErrorCode.ENHANCE_YOUR_CALM, "headers larger than the limit")
        if not frame.flags & frames.END_HEADERS:
            self._block = (stream_id, frame.flags & frames.END_STREAM, block)
            return
        self._block = None
        headers = self._decode(bytes(block))
        event = HeadersReceived(stream_id, headers, bool(frame.flags & frames.END_STREAM))
        self._on_headers(event, events)

    def _decode(self, block: bytes) -> Headers:
        try:
            pairs: Iterable[tuple[bytes, bytes]] = self._decoder.decode(block, raw=True)
        except hpack.OversizedHeaderListError:
            raise ProtocolError(
                ErrorCode.ENHANCE_YOUR_CALM, "headers larger than the limit"
            ) from None
        except hpack.HPACKError as error:
            raise ProtocolError(
                ErrorCode.COMPRESSION_ERROR, f"headers cannot be decoded: {error}"
            ) from error
        # Values are ASCII in gRPC; anything else is passed through unchanged.
        return tuple((_text(name), _text(value)) for name, value in pairs)

    def _on_headers(self, event: HeadersReceived, events: list[Event]) -> None:
        stream_id = event.stream_id
        stream = self._streams.get(stream_id)
        if stream is None:
            if self._client or stream_id <= self._last_peer_id:
                self._check_was_opened(stream_id)
                return
            stream = self._accept(stream_id)
            if stream is None:
                return
        elif stream.remote_closed:
            self._reset_for(stream, ErrorCode.STREAM_CLOSED, events)
            return
        events.append(event)
        if event.end:
            self._close_remote(stream)

    def _accept(self, stream_id: int) -> Stream | None:
        if stream_id % 2 == 0:
            raise ProtocolError(ErrorCode.PROTOCOL_ERROR, f"peer opened stream {stream_id}")
        self._last_peer_id = stream_id
        if len(self._streams) >= self._limits.streams:
            self._sender.put_frame(frames.rst_stream(stream_id, ErrorCode.REFUSED_STREAM))
            self._count_nuisance("streams above the limit")
            return None
        return self._add_stream(stream_id)

    def _on_settings(self, frame: Frame, _events: list[Event]) -> None:
        if frame.flags & frames.ACK:
            if len(frame.payload):
                raise ProtocolError(
                    ErrorCode.FRAME_SIZE_ERROR, "SETTINGS acknowledgement with a payload"
                )
            self._acknowledged = True
            return
        self._settled = True
        old_window = self._sender.stream_window
        for identifier, value in frames.parse_settings(frame.payload):
            self._sender.apply(identifier, value)
        change = self._sender.stream_window - old_window
        for stream in self._streams.values():
            stream.send_window += change
            if stream.send_window > frames.LARGEST_WINDOW:
                raise ProtocolError(ErrorCode.FLOW_CONTROL_ERROR, "peer broke a stream's window")
        self._answer(frames.SETTINGS_ACK)

    def _on_ping(self, frame: Frame, _events: list[Event]) -> None:
        if not frame.flags & frames.ACK:
            self._answer(frames.ping_ack(frame.payload))

    def _on_goaway(self, frame: Frame, events: list[Event]) -> None:
        last_stream_id, code, text = frames.parse_goaway(frame.payload)
        if self._client:
            # The last stream is one of ours, because a server opens none.
            events.append(GoAwayReceived(last_stream_id, code, text))

    def _on_push(self, _frame: Frame, _events: list[Event]) -> None:
        raise ProtocolError(ErrorCode.PROTOCOL_ERROR, "peer pushed a stream")

    def _on_reset(self, frame: Frame, events: list[Event]) -> None:
        stream = self._streams.get(frame.stream_id)
        if stream is None:
            self._check_was_opened(frame.stream_id)
        else:
            code = frames.parse_word(frame.payload)
            self._forget(stream)
            events.append(StreamReset(frame.stream_id, code))
        if not self._client:
            self._count_nuisance("resets")

    def _reset_for(self, stream: Stream, code: ErrorCode, events: list[Event]) -> None:
        self.reset(stream.id, code)
        events.append(StreamReset(stream.id, code))

    def _close_remote(self, stream: Stream) -> None:
        stream.remote_closed = True
        if stream.local_closed:
            self._forget(stream)

    def _check_was_opened(self, stream_id: int) -> None:
        ours = (stream_id % 2 == 1) == self._client
        if stream_id >= self._next_id if ours else stream_id > self._last_peer_id:
            raise ProtocolError(ErrorCode.PROTOCOL_ERROR, f"stream {stream_id} was never opened")

    def _answer(self, answer: bytes) -> None:
        self._sender.put_frame(answer)
        self._answers += 1
        if self._answers > self._limits.answers:
            raise ProtocolError(
                ErrorCode.ENHANCE_YOUR_CALM,
                "peer does not read the answers to its PING and SETTINGS frames",
            )

    def _count_nuisance(self, description: str) -> None:
        self._nuisance += 1
        if self._nuisance > self._limits.nuisance:
            raise ProtocolError(ErrorCode.ENHANCE_YOUR_CALM, f"peer floods with {description}")


def _text(value: bytes) -> str:
    return bytes(value).decode("utf-8", "surrogateescape")


_HANDLERS: dict[int, Callable[[Connection, Frame, list[Event]], None]] = {
    frames.DATA: Connection._on_data,
    frames.HEADERS: Connection._on_first_block,
    frames.RST_STREAM: Connection._on_reset,
    frames.SETTINGS: Connection._on_settings,
    frames.PUSH_PROMISE: Connection._on_push,
    frames.PING: Connection._on_ping,
    frames.GOAWAY: Connection._on_goaway,
    frames.WINDOW_UPDATE: Connection._on_window_update,
    frames.CONTINUATION: Connection._on_continuation,
}
