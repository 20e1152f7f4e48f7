"""gRPC calls to a daemon with protobuf messages, over one connection that reconnects as needed."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

from google.protobuf.message import DecodeError

from llb.errors import CancelledError, RemoteError, TransportError
from llb.grpc import Code
from llb.grpc.endings import UnseenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.message import Message

    from llb.client.connect.routes import Metadata, Route
    from llb.errors import LLBError
    from llb.grpc.interfaces import OutgoingCall, OutgoingCalls

M_ = TypeVar("M_", bound="Message")


class Calls:
    """Concurrent calls to the daemon at the end of a route, over one connection.

    The connection is opened by the first call, and reopened by the next call after it has ended or
    the daemon has announced that it is going away (GOAWAY).
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._lock = threading.Lock()
        self._channel: OutgoingCalls | None = None
        self._closed = False

    def start(
        self,
        method: str,
        request: Message,
        response_type: type[M_],
        translate: Callable[[LLBError], LLBError],
        *,
        timeout: float | None = None,
        metadata: Metadata = (),
    ) -> Responses[M_]:
        """Send a request and return the responses, which may take ``timeout`` seconds.

        Raises ConnectError if no connection can be opened. ``translate`` converts errors of the
        transport into those that are raised.
        """
        deadline = None if timeout is None else monotonic() + timeout
        data = request.SerializeToString()

        def begin() -> OutgoingCall:
            remaining = None if deadline is None else deadline - monotonic()
            call = self._open(method, remaining, metadata)
            try:
                call.send(data)
                call.close_send()
            except BaseException:
                call.cancel()
                raise
            return call

        return Responses(begin, response_type, translate)

    def close(self) -> None:
        """Close the connection and end all calls; a second call does nothing."""
        with self._lock:
            self._closed = True
            channel = self._channel
        if channel is not None:
            channel.close()

    def _open(self, method: str, timeout: float | None, metadata: Metadata) -> OutgoingCall:
        previous = self._channel
        channel = self._current_channel()
        try:
            return channel.stream(method, timeout=timeout, metadata=metadata)
        except TransportError:
            # A connection that has just ended is replaced; one that never worked is not.
            if channel is not previous:
                raise
            return self._current_channel().stream(method, timeout=timeout, metadata=metadata)

    def _current_channel(self) -> OutgoingCalls:
        with self._lock:
            if self._closed:
                raise TransportError("the client closed it")
            if self._channel is None or not self._channel.is_open:
                self._channel = self._route.channel()
            return self._channel


class Responses(Generic[M_]):
    """The responses to one request, as they arrive; any thread may cancel them.

    ``begin`` sends the request, and sends it again if a daemon that is going away has not processed
    it. ``translate`` converts errors of the transport.
    """

    def __init__(
        self,
        begin: Callable[[], OutgoingCall],
        response_type: type[M_],
        translate: Callable[[LLBError], LLBError],
    ) -> None:
        self._begin = begin
        self._answer = response_type
        self._translated = translate
        self._cancelled = False
        with self._translation():
            try:
                self._call = begin()
            except UnseenError:
                self._call = begin()

    def __iter__(self) -> Iterator[M_]:
        """Yield the responses until the caller stops; the first error ends them."""
        try:
            with self._translation():
                while (message := self._receive()) is not None:
                    yield self._parse(message)
        finally:
            self.cancel()

    def single(self) -> M_:
        """Receive exactly one response."""
        try:
            with self._translation():
                message = self._receive()
                if message is None or self._receive() is not None:
                    raise RemoteError("call did not have one response", code=Code.INTERNAL)
                return self._parse(message)
        finally:
            # After an interrupt, nothing waits for the call either.
            self.cancel()

    def cancel(self) -> None:
        """Cancel the call at once on both sides; does nothing after its end."""
        self._cancelled = True
        self._call.cancel()

    def _receive(self) -> bytes | None:
        try:
            return self._call.receive()
        except UnseenError:
            self._call = self._begin()
            if self._cancelled:
                self._call.cancel()
            return self._call.receive()

    def _parse(self, message: bytes) -> M_:
        try:
            return self._answer.FromString(message)
        except DecodeError as error:
            name = self._answer.DESCRIPTOR.name
            raise RemoteError(f"the response is not a valid {name}", code=Code.INTERNAL) from error

    @contextmanager
    def _translation(self) -> Iterator[None]:
        try:
            yield
        except (RemoteError, TransportError, CancelledError) as error:
            raise self._translated(error) from error
