"""gRPC calls to a daemon with protobuf messages, over one connection that reconnects as needed."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakSet

from google.protobuf.message import DecodeError

from llb._logs import logger
from llb.client.opening import Opening, deadline_after, remaining
from llb.errors import CancelledError, LLBError, RemoteError, TransportError
from llb.grpc import Code, forks
from llb.grpc.endings import UnseenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from google.protobuf.message import Message

    from llb.client.connect.routes import Metadata, Route
    from llb.grpc import Pipe
    from llb.grpc.interfaces import OutgoingCall, OutgoingCalls

_log = logger(__name__)

M_ = TypeVar("M_", bound="Message")
T_ = TypeVar("T_")


class Calls:
    """Concurrent calls to the daemon at the end of a route, over one connection.

    The connection is opened by the first call, and reopened by the next call after it has ended or
    the daemon has announced that it is going away (GOAWAY).
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._lock = threading.Lock()
        self._channel: OutgoingCalls | None = None
        self._opening: Opening[OutgoingCalls] | None = None
        self._closed = False
        forks.register(self)

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
        deadline = deadline_after(timeout)
        data = request.SerializeToString()
        _log.debug("call %s, %d bytes", method, len(data))

        def begin() -> OutgoingCall:
            call = self._open(method, remaining(deadline), metadata)
            try:
                call.send(data)
                call.close_send()
            except BaseException:
                call.cancel()
                raise
            return call

        return Responses(begin, response_type, translate)

    def open_session(self, metadata: Metadata, timeout: float | None = None) -> Pipe:
        """Open the byte stream of a session, for which it may take ``timeout`` seconds.

        Raises ConnectError, and DeadlineError after the timeout.
        """
        deadline = deadline_after(timeout)
        opening = self.opening_session(metadata)
        try:
            return opening.result(deadline)
        except BaseException:
            opening.abandon()
            raise

    def opening_session(self, metadata: Metadata) -> Opening[Pipe]:
        """Begin to open the byte stream of a session."""
        return Opening(lambda: self._route.open_session(metadata), lambda pipe: pipe.close())

    def close(self) -> None:
        """Close the connection and end all calls; a second call does nothing."""
        with self._lock:
            self._closed = True
            channel = self._channel
        if channel is not None:
            channel.close()

    def after_fork(self) -> None:
        """Open a new connection for the next call in the child of a fork."""
        self._lock = threading.Lock()
        self._channel = self._opening = None

    def _open(self, method: str, timeout: float | None, metadata: Metadata) -> OutgoingCall:
        deadline = deadline_after(timeout)
        previous = self._channel
        channel = self._current_channel(deadline)
        try:
            return channel.stream(method, timeout=remaining(deadline), metadata=metadata)
        except TransportError:
            # A connection that has just ended is replaced; one that never worked is not.
            if channel is not previous:
                raise
            _log.debug("call %s again, because the connection has ended", method)
            channel = self._current_channel(deadline)
            return channel.stream(method, timeout=remaining(deadline), metadata=metadata)

    def _current_channel(self, deadline: float | None) -> OutgoingCalls:
        """Wait for an open connection until the deadline; raises the errors of the route."""
        with self._lock:
            if self._closed:
                raise TransportError("the client closed it")
            if self._channel is not None and self._channel.is_open:
                return self._channel
            if self._opening is None:
                self._opening = Opening(self._connect, lambda channel: channel.close())
            opening = self._opening
        return opening.result(deadline)

    def _connect(self) -> OutgoingCalls:
        address = self._route.address
        try:
            channel = self._route.channel(on_end=self._log_end)
        except BaseException as error:
            reason = error.title if isinstance(error, LLBError) else error
            _log.info("cannot connect to %s: %s", address, reason)
            self._take(None)
            raise
        _log.info("connected to %s", address)
        self._take(channel)
        return channel

    def _log_end(self, reason: str) -> None:
        _log.info("the connection to %s has ended: %s", self._route.address, reason)

    def _take(self, channel: OutgoingCalls | None) -> None:
        """Use the connection that has been opened, or open another one for the next call."""
        with self._lock:
            self._opening = None
            if not self._closed:
                self._channel = channel
                return
        if channel is not None:
            channel.close()


class CallScope:
    """Calls and sessions that :meth:`close` ends together; those outside of the scope go on.

    Each is started on a separate thread, because until it has started nothing can interrupt it:
    neither connecting, nor waiting for a stream of the connection, nor sending a large request.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._lock = threading.Lock()
        self._started: WeakSet[Responses[Any]] = WeakSet()
        self._openings: set[Opening[Any]] = set()
        self._is_closed = False
        forks.register(self)

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

        def begin() -> Opening[Responses[M_]]:
            return Opening(
                lambda: self._calls.start(
                    method, request, response_type, translate, timeout=timeout, metadata=metadata
                ),
                Responses.cancel,
            )

        try:
            responses = self._result(begin, None)
        except CancelledError as error:
            if not self._is_closed:
                # It is that of a deadline, which is translated already.
                raise
            raise translate(error) from error
        with self._lock:
            self._started.add(responses)
            is_closed = self._is_closed
        if is_closed:
            responses.cancel()
        return responses

    def open_session(self, metadata: Metadata, timeout: float | None = None) -> Pipe:
        """Open a session as :meth:`Calls.open_session` does; raises CancelledError once closed."""
        return self._result(lambda: self._calls.opening_session(metadata), deadline_after(timeout))

    def close(self) -> None:
        """Cancel all calls of the scope, and refuse any later ones; does not wait."""
        with self._lock:
            self._is_closed = True
            started, openings = list(self._started), list(self._openings)
        for opening in openings:
            opening.abandon()
        for responses in started:
            responses.cancel()

    def after_fork(self) -> None:
        """Let go of the parent's calls in the child of a fork."""
        self._lock = threading.Lock()
        self._started = WeakSet()
        self._openings = set()

    def _result(self, begin: Callable[[], Opening[T_]], deadline: float | None) -> T_:
        """Wait until something has opened; afterwards it is the caller's."""
        with self._lock:
            if self._is_closed:
                raise CancelledError("call was cancelled")
            opening = begin()
            self._openings.add(opening)
        try:
            return opening.result(deadline)
        except BaseException:
            opening.abandon()
            raise
        finally:
            with self._lock:
                self._openings.discard(opening)


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
                _log.debug("call again, because the daemon is going away")
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
            _log.debug("call again, because the daemon is going away")
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
