"""The client role: calls go out over one connection."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

from llb.errors import CancelledError, RemoteError, TransportError
from llb.grpc import metadata as headers_of
from llb.grpc import status
from llb.grpc.call import Call
from llb.grpc.endings import DeadlineError
from llb.grpc.endpoint import DEFAULT_MESSAGE_LIMIT, Endpoint
from llb.grpc.http2.events import Limits
from llb.grpc.http2.frames import ErrorCode
from llb.grpc.status import Code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.grpc.http2.streams import Headers
    from llb.grpc.pipe import Pipe


class ClientCall(Call):
    """One outgoing call; :meth:`receive` also raises the status it ended with."""

    def __init__(self, endpoint: Endpoint, deadline: float | None) -> None:
        super().__init__(endpoint, deadline)
        self._has_response = False

    def send(self, message: bytes) -> None:
        """Send a message; it may wait for others until :meth:`flush` or :meth:`receive`.

        Blocks while the peer takes no more. Raises what :meth:`receive` raises,
        but discards a message after the peer has ended the call with OK.
        """
        with self._endpoint.lock:
            self._check_alive()
            if not self._ended:
                self._queue(message)

    def close_send(self) -> None:
        """Tell the peer that this was the last message."""
        with self._endpoint.lock:
            self._endpoint.connection.end_stream(self.stream_id)
            self._endpoint.wake_writer()

    def cancel(self) -> None:
        """End the call at once, here and there; does nothing to a call that is over."""
        with self._endpoint.lock:
            if self._failure is None and not self._ended:
                self.abort(CancelledError("call was cancelled"), ErrorCode.CANCEL)

    def on_headers(self, headers: Headers, *, end: bool) -> None:
        """Take the response headers, the trailers, or both in one."""
        if not self._has_response:
            fields = dict(headers)
            code = fields.get(":status", "")
            if code.startswith("1") and not end:
                return
            self._has_response = True
            problem = _problem(code, fields)
            if problem is not None:
                self.refuse(problem)
                return
        elif not end:
            self.refuse(RemoteError("peer sent two header lists", code=Code.INTERNAL))
            return
        if end:
            self._on_trailers(headers)

    def on_end(self) -> None:
        """Take an end without trailers, which no gRPC server sends."""
        self.refuse(RemoteError("call ended without a status", code=Code.INTERNAL))

    def on_reset(self, code: int) -> None:
        """Take a reset, which is a status as well."""
        error = status.from_reset(code)
        if error.code == Code.CANCELLED and self._is_late():
            # A peer that sees the deadline pass first cancels the call, as grpc-go has it too.
            self.fail(DeadlineError("deadline of the call has passed"))
        else:
            self.fail(error)

    def _on_trailers(self, trailers: Headers) -> None:
        error = status.from_trailers(trailers)
        if error is None and not self._incoming.is_between_messages:
            error = RemoteError("stream ended within a message", code=Code.INTERNAL)
        self._failure = error
        if error is not None and error.code == Code.DEADLINE_EXCEEDED and self._deadline:
            # The peer knows the deadline too, and may be the first to see it pass.
            self._failure = DeadlineError("deadline of the call has passed")
        self._ended = True
        self._leave()
        # The peer wants nothing more; where all was said this finds no stream.
        self._endpoint.connection.reset(self.stream_id, ErrorCode.NO_ERROR)


def _problem(code: str, fields: dict[str, str]) -> RemoteError | None:
    if code != "200":
        return status.from_http(code)
    kind = fields.get("content-type", "")
    if not kind.startswith("application/grpc"):
        return RemoteError(f"content type is not gRPC: {kind!r}", code=Code.UNKNOWN)
    encoding = fields.get("grpc-encoding", "identity")
    if encoding != "identity":
        return RemoteError(f"compression is not supported: {encoding!r}", code=Code.UNIMPLEMENTED)
    return None


class Channel:
    """Makes calls to the peer at the other end of ``pipe``, from any thread.

    ``authority`` and ``scheme`` are what the calls say of the peer: its name, and ``https``
    where the pipe is one of TLS. A peer that is leaving takes no new calls, and the
    connection ends with the last one that it still answers.
    """

    def __init__(
        self,
        pipe: Pipe,
        *,
        authority: str = "localhost",
        scheme: str = "http",
        max_message_size: int = DEFAULT_MESSAGE_LIMIT,
        limits: Limits | None = None,
    ) -> None:
        self._authority = authority
        self._scheme = scheme
        self._endpoint = Endpoint(
            pipe, client=True, message_limit=max_message_size, limits=limits or Limits()
        )
        self._reader = threading.Thread(
            target=self._endpoint.read_all, name="tunnel-reader", daemon=True
        )
        self._reader.start()

    @property
    def is_open(self) -> bool:
        """Whether the connection still takes calls."""
        return self._endpoint.failure is None and self._endpoint.departing is None

    def call(
        self,
        method: str,
        request: bytes,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> bytes:
        """Make a unary call and return its response; ``timeout`` is in seconds.

        Raises :class:`~llb.errors.RemoteError` for a status other than OK,
        :class:`~llb.errors.TransportError` when the connection broke, and
        :class:`~llb.errors.CancelledError` when the time is over.
        """
        call = self.stream(method, timeout=timeout, metadata=metadata)
        try:
            call.send(request)
            call.close_send()
            response = call.receive()
            if response is None or call.receive() is not None:
                raise RemoteError("call did not have one response", code=Code.INTERNAL)
            return response
        finally:
            call.cancel()

    def stream(
        self,
        method: str,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> ClientCall:
        """Begin a call of any kind; raises as :meth:`call` does.

        Waits for a place among the streams that the peer takes at a time.
        """
        endpoint = self._endpoint
        deadline = None if timeout is None else monotonic() + timeout
        headers = headers_of.request(
            method, self._authority, timeout, metadata, scheme=self._scheme
        )
        call = ClientCall(endpoint, deadline)
        with endpoint.lock:
            endpoint.await_room(deadline)
            call.stream_id = endpoint.connection.open_stream(headers)
            endpoint.calls[call.stream_id] = call
            endpoint.nudge_writer()
        return call

    def close(self) -> None:
        """End the connection; calls under way fail. Idempotent."""
        self._endpoint.stop(TransportError("connection was closed"), ErrorCode.NO_ERROR)
        if threading.current_thread() is not self._reader:
            self._reader.join()
