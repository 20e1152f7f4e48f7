"""HTTP/1.1 over a pipe: requests with streamed bodies, and connections that are upgraded.

h11 parses and formats the messages (ADR 22); this module reads and writes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
from attrs import field, frozen

from llb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llb.grpc import Pipe

NOT_HTTP = "it does not answer as Docker does"
_HEAD_LIMIT = 2**16
SWITCHING_PROTOCOLS = 101


@frozen
class Head:
    """The status and headers of a response; header names are in lower case."""

    status: int
    reason: str
    headers: Mapping[str, str] = field(factory=dict)


class HTTPConnection:
    """A connection to a server for one request after another; it owns its pipe.

    Methods raise TransportError.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_LIMIT)

    @property
    def is_reusable(self) -> bool:
        """Whether another request may follow the response that has been read."""
        states = (self._http.our_state, self._http.their_state)
        return states in ((h11.IDLE, h11.IDLE), (h11.DONE, h11.DONE))

    def begin(self, method: str, target: str, headers: Iterable[tuple[str, str]]) -> None:
        """Send the head of a request."""
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()
        self._send(
            h11.Request(method=method, target=target, headers=[("Host", "docker"), *headers])
        )

    def send(self, data: bytes) -> None:
        """Send a part of the body."""
        self._send(h11.Data(data=data))

    def end(self) -> None:
        """End the body."""
        self._send(h11.EndOfMessage())

    def head(self) -> Head:
        """Read the head of the response; that of an upgraded connection has the status 101."""
        while True:
            event = self._next()
            match event:
                case h11.InformationalResponse(status_code=status) if status != SWITCHING_PROTOCOLS:
                    continue
                case h11.InformationalResponse() | h11.Response():
                    headers = {name.decode(): value.decode() for name, value in event.headers}
                    return Head(event.status_code, event.reason.decode(), headers)
                case _:
                    raise TransportError(NOT_HTTP)

    def body(self) -> Iterator[bytes]:
        """Yield the body of the response as it arrives."""
        while True:
            event = self._next()
            match event:
                case h11.Data(data=data):
                    yield bytes(data)
                case h11.EndOfMessage():
                    return
                case _:
                    raise TransportError("the answer ended early")

    def upgraded(self) -> Pipe:
        """Take over the pipe of an upgraded connection."""
        leftover, _ = self._http.trailing_data
        return _PrefixedPipe(self._pipe, leftover) if leftover else self._pipe

    def close(self) -> None:
        """Close the connection, also while another thread uses it."""
        self._pipe.close()

    def _send(self, event: h11.Event) -> None:
        try:
            data = self._http.send(event)
        except h11.LocalProtocolError as error:
            raise TransportError(f"invalid request: {error}") from error
        if data:
            self._pipe.write(data)

    def _next(self) -> object:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise TransportError(NOT_HTTP) from error
            if event is not h11.NEED_DATA:
                return event
            self._http.receive_data(self._pipe.read())


class _PrefixedPipe:
    """A pipe whose first bytes have already been read."""

    def __init__(self, pipe: Pipe, prefix: bytes) -> None:
        self._pipe = pipe
        self._prefix = prefix
        self.write = pipe.write
        self.close = pipe.close

    def read(self) -> bytes:
        """Read the bytes that were already received, then from the pipe."""
        prefix, self._prefix = self._prefix, b""
        return prefix or self._pipe.read()
