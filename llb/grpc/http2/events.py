"""What a connection tells about, and the limits it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from llb.errors import LLBError
    from llb.grpc.http2.streams import Headers


@frozen
class Limits:
    """Bounds on what a peer can make this side hold, in bytes and numbers.

    ``stream_window`` bounds what arrives on a stream that nobody reads, and
    ``connection_window`` what arrives on all such streams together; beyond
    that, each reader holds the message it is waiting for. ``header_list`` bounds a
    decoded header list and the encoded block it came in; error details travel
    there. ``answers`` bounds the PING and SETTINGS answers that wait for a
    peer which asks but does not read, and ``nuisance`` the frames that carry
    nothing (empty DATA, resets of fresh streams, frames of finished streams)
    for every call that completes.
    """

    streams: int = 250
    stream_window: int = 8 * 2**20
    connection_window: int = 64 * 2**20
    header_list: int = 2**20
    frame_size: int = 2**20
    answers: int = 1000
    nuisance: int = 1000


@frozen
class HeadersReceived:
    """A header list arrived: a request, a response, or trailers if ``end``."""

    stream_id: int
    headers: Headers
    end: bool


@frozen
class DataReceived:
    """Bytes of a stream arrived; they stay owed until :meth:`Connection.consumed`."""

    stream_id: int
    data: memoryview
    end: bool


@frozen
class StreamReset:
    """A stream ended at once: the peer reset it, or was at fault and is told so."""

    stream_id: int
    code: int


@frozen
class GoAwayReceived:
    """The peer takes no new streams; those above ``last_stream_id`` it never saw."""

    last_stream_id: int
    code: int
    text: str


Event = HeadersReceived | DataReceived | StreamReset | GoAwayReceived


class Listener(Protocol):
    """Whom the events of a stream concern: a call. Everything is told with the lock held."""

    def on_headers(self, headers: Headers, *, end: bool) -> None:
        """Take a header list that came after the one which began the call."""

    def on_data(self, data: memoryview, *, end: bool) -> None:
        """Take bytes of the stream."""

    def on_reset(self, code: int) -> None:
        """Take a reset of the stream."""

    def on_settled(self) -> None:
        """Take note that a batch of events is over."""

    def room_made(self) -> None:
        """Wake whoever waits to send."""

    def fail(self, error: LLBError) -> None:
        """Have everything that waits for the stream raise ``error``."""
