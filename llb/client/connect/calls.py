"""Calls to a daemon, in protobuf, over a connection that is made anew once it has ended."""

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
    from llb.grpc import Channel, ClientCall

M_ = TypeVar("M_", bound="Message")


class Calls:
    """Calls to the daemon at the end of a route, any number at a time, over one connection.

    It is made with the first of them, and anew with the next one after it has ended or the
    daemon has said that it leaves.
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._lock = threading.Lock()
        self._channel: Channel | None = None
        self._closed = False

    def ask(
        self,
        method: str,
        request: Message,
        answer: type[M_],
        translated: Callable[[LLBError], LLBError],
        *,
        timeout: float | None = None,
        metadata: Metadata = (),
    ) -> Answers[M_]:
        """Send a request, and return the answers to it, which may take ``timeout`` seconds.

        Raises ConnectError where no connection can be made, and what ``translated`` makes of
        the errors of the tunnel.
        """
        deadline = None if timeout is None else monotonic() + timeout
        data = request.SerializeToString()

        def begin() -> ClientCall:
            left = None if deadline is None else deadline - monotonic()
            call = self._open(method, left, metadata)
            try:
                call.send(data)
                call.close_send()
            except BaseException:
                call.cancel()
                raise
            return call

        return Answers(begin, answer, translated)

    def close(self) -> None:
        """End the connection, and all calls; a second call does nothing."""
        with self._lock:
            self._closed = True
            channel = self._channel
        if channel is not None:
            channel.close()

    def _open(self, method: str, timeout: float | None, metadata: Metadata) -> ClientCall:
        known = self._channel
        channel = self._current()
        try:
            return channel.stream(method, timeout=timeout, metadata=metadata)
        except TransportError:
            # What has just ended is followed by another; what never worked is not.
            if channel is not known:
                raise
            return self._current().stream(method, timeout=timeout, metadata=metadata)

    def _current(self) -> Channel:
        with self._lock:
            if self._closed:
                raise TransportError("it was closed here")
            if self._channel is None or not self._channel.is_open:
                self._channel = self._route.channel()
            return self._channel


class Answers(Generic[M_]):
    """The answers to one request, as they come, of which any thread may want no more.

    ``begin`` sends the request, and does so once more where a daemon that leaves has not
    seen it. ``translated`` gives the error to raise for one of the tunnel.
    """

    def __init__(
        self,
        begin: Callable[[], ClientCall],
        answer: type[M_],
        translated: Callable[[LLBError], LLBError],
    ) -> None:
        self._begin = begin
        self._answer = answer
        self._translated = translated
        self._cancelled = False
        with self._translation():
            try:
                self._call = begin()
            except UnseenError:
                self._call = begin()

    def __iter__(self) -> Iterator[M_]:
        """Yield them, as long as whoever asked wants more; the first error ends them."""
        try:
            with self._translation():
                while (message := self._receive()) is not None:
                    yield self._parsed(message)
        finally:
            self.cancel()

    def only(self) -> M_:
        """Return the one answer that there is."""
        try:
            with self._translation():
                message = self._receive()
                if message is None or self._receive() is not None:
                    raise RemoteError("call did not have one response", code=Code.INTERNAL)
                return self._parsed(message)
        finally:
            # Who was interrupted does not wait for it either.
            self.cancel()

    def cancel(self) -> None:
        """End the call at once, here and there; does nothing to one that is over."""
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

    def _parsed(self, message: bytes) -> M_:
        try:
            return self._answer.FromString(message)
        except DecodeError as error:
            name = self._answer.DESCRIPTOR.name
            raise RemoteError(f"the answer is no {name}", code=Code.INTERNAL) from error

    @contextmanager
    def _translation(self) -> Iterator[None]:
        try:
            yield
        except (RemoteError, TransportError, CancelledError) as error:
            raise self._translated(error) from error
