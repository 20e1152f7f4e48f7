"""gRPC calls to a daemon with protobuf messages, over one connection that reconnects as needed."""

from __future__ import annotations

import threading
import weakref
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

from google.protobuf.message import DecodeError

from llb.client.opening import Opening
from llb.errors import CancelledError, RemoteError, TransportError
from llb.grpc import Code
from llb.grpc.endings import UnseenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from google.protobuf.message import Message

    from llb.client.connect.routes import Metadata, Route
    from llb.errors import LLBError
    from llb.grpc import Channel, ClientCall

M_ = TypeVar("M_", bound="Message")


class Calls:
    """Concurrent calls to the daemon at the end of a route, over one connection.

    The connection is opened by the first call, and reopened by the next call after it has ended or
    the daemon has announced that it is going away (GOAWAY).
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._lock = threading.Lock()
        self._channel: Channel | None = None
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

        def begin() -> ClientCall:
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

    @property
    def is_connected(self) -> bool:
        """Whether a call can start without opening a connection."""
        channel = self._channel
        return channel is not None and channel.is_open

    def close(self) -> None:
        """Close the connection and end all calls; a second call does nothing."""
        with self._lock:
            self._closed = True
            channel = self._channel
        if channel is not None:
            channel.close()

    def _open(self, method: str, timeout: float | None, metadata: Metadata) -> ClientCall:
        previous = self._channel
        channel = self._current_channel()
        try:
            return channel.stream(method, timeout=timeout, metadata=metadata)
        except TransportError:
            # A connection that has just ended is replaced; one that never worked is not.
            if channel is not previous:
                raise
            return self._current_channel().stream(method, timeout=timeout, metadata=metadata)

    def _current_channel(self) -> Channel:
        with self._lock:
            if self._closed:
                raise TransportError("the client closed it")
            if self._channel is None or not self._channel.is_open:
                self._channel = self._route.channel()
            return self._channel


class CallScope:
    """Calls that :meth:`close` cancels together; other calls of the same connection go on."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._lock = threading.Lock()
        self._started: weakref.WeakSet[Responses[Any]] = weakref.WeakSet()
        self._opening: Opening[Responses[Any]] | None = None
        self._is_cancelled = False

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
        """Start a call as :meth:`Calls.start` does; raises CancelledError once closed."""

        def connect() -> Responses[M_]:
            return self._calls.start(
                method, request, response_type, translate, timeout=timeout, metadata=metadata
            )

        try:
            self._check()
            responses = connect() if self._calls.is_connected else self._open(connect)
        except CancelledError as error:
            raise translate(error) from error
        with self._lock:
            self._started.add(responses)
            is_cancelled = self._is_cancelled
        if is_cancelled:
            responses.cancel()
        return responses

    def close(self) -> None:
        """Cancel all calls of the scope, and refuse any later ones; does not wait."""
        with self._lock:
            self._is_cancelled = True
            started, opening = list(self._started), self._opening
        for responses in started:
            responses.cancel()
        if opening is not None:
            opening.abandon()

    def _check(self) -> None:
        if self._is_cancelled:
            raise CancelledError("call was cancelled")

    def _open(self, connect: Callable[[], Responses[M_]]) -> Responses[M_]:
        """Start a call that must first open the connection, which can take long."""
        opening = Opening(connect, Responses.cancel)
        with self._lock:
            self._opening = opening
            is_cancelled = self._is_cancelled
        if is_cancelled:
            opening.abandon()
        return opening.wait()


class Responses(Generic[M_]):
    """The responses to one request, as they arrive; any thread may cancel them.

    ``begin`` sends the request, and sends it again if a daemon that is going away has not processed
    it. ``translate`` converts errors of the transport.
    """

    def __init__(
        self,
        begin: Callable[[], ClientCall],
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
