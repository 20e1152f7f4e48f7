"""Events of an HTTP/2 connection, and the limits that it enforces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from llb.errors import LLBError
    from llb.grpc.http2.streams import Headers


@frozen
class Limits:
    """Limits on the memory that a peer can make this side use, in bytes and counts.

    ``stream_window`` limits the unread bytes of one stream, and ``connection_window`` those of all
    streams together. In addition, each reader holds the message that it is waiting for.
    ``header_list`` limits a decoded header list and its encoded block; error details are sent
    there. ``answers`` limits the unsent answers to PING and SETTINGS for a peer that does not read
    them. ``nuisance`` limits the useless frames (empty DATA, resets of new streams, frames of
    finished streams) per completed call.
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
    """Bytes of a stream arrived; return them to the window with :meth:`Connection.consumed`."""

    stream_id: int
    data: memoryview
    end: bool


@frozen
class StreamReset:
    """A stream ended early: the peer reset it, or violated the protocol and was reset."""

    stream_id: int
    code: int


@frozen
class GoAwayReceived:
    """The peer accepts no new streams and never saw those above ``last_stream_id``."""

    last_stream_id: int
    code: int
    text: str


Event = HeadersReceived | DataReceived | StreamReset | GoAwayReceived


class Listener(Protocol):
    """The receiver of a stream's events: a call. The lock is held during every method."""

    def on_headers(self, headers: Headers, *, end: bool) -> None:
        """Handle a header list after the one that started the call."""

    def on_data(self, data: memoryview, *, end: bool) -> None:
        """Handle received bytes of the stream."""

    def on_reset(self, code: int) -> None:
        """Handle a reset of the stream."""

    def on_settled(self) -> None:
        """Handle the end of a batch of events."""

    def on_writable(self) -> None:
        """Wake the thread that waits to send."""

    def fail(self, error: LLBError) -> None:
        """Make every thread that waits for the stream raise ``error``."""

    def after_fork(self) -> None:
        """Fail the stream in the child of a fork, where the lock is new and no thread waits."""
