"""The gRPC client: make calls over one connection."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

from llb.arguments.checked import checked
from llb.errors import CancelledError, RemoteError, TransportError
from llb.grpc import metadata as headers_of
from llb.grpc import status
from llb.grpc.call import Call
from llb.grpc.endings import DeadlineError
from llb.grpc.endpoint import DEFAULT_MESSAGE_LIMIT, Endpoint
from llb.grpc.http2.events import Limits
from llb.grpc.http2.frames import ErrorCode
from llb.grpc.interfaces import single_response
from llb.grpc.status import Code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llb.grpc.http2.streams import Headers
    from llb.grpc.pipe import Pipe


class ClientCall(Call):
    """An outgoing call; :meth:`receive` also raises the status that it ended with."""

    def __init__(self, endpoint: Endpoint, deadline: float | None) -> None:
        super().__init__(endpoint, deadline)
        self._has_response = False

    @checked
    def send(self, message: bytes) -> None:
        """Send a message; it may be delayed until :meth:`flush` or :meth:`receive`.

        Blocks while the peer accepts no more data. Raises the same errors as :meth:`receive`, but
        drops the message if the peer has ended the call with OK.
        """
        with self._endpoint.lock:
            self._check_alive()
            if not self._ended:
                self._queue(message)

    def close_send(self) -> None:
        """Signal that no more messages follow."""
        with self._endpoint.lock:
            self._endpoint.connection.end_stream(self.stream_id)
            self._endpoint.wake_writer()

    def cancel(self) -> None:
        """Cancel the call on both sides; does nothing if the call is over."""
        with self._endpoint.lock:
            if self._failure is None and not self._ended:
                self.abort(CancelledError("call was cancelled"), ErrorCode.CANCEL)

    def on_headers(self, headers: Headers, *, end: bool) -> None:
        """Handle the response headers, the trailers, or both in one."""
        if not self._has_response:
            fields = dict(headers)
            code = fields.get(":status", "")
            if code.startswith("1") and not end:
                return
            self._has_response = True
            refusal = _response_error(code, fields)
            if refusal is not None:
                self.refuse(refusal)
                return
        elif not end:
            self.refuse(RemoteError("peer sent two header lists", code=Code.INTERNAL))
            return
        if end:
            self._on_trailers(headers)

    def on_end(self) -> None:
        """Handle an end without trailers, which no gRPC server sends."""
        self.refuse(RemoteError("call ended without a status", code=Code.INTERNAL))

    def on_reset(self, code: int) -> None:
        """Handle a reset, which is also a status."""
        error = status.from_reset(code)
        if error.code == Code.CANCELLED and self._is_late():
            # A peer that notices the deadline first cancels the call; grpc-go does the same.
            self.fail(DeadlineError("deadline of the call has passed"))
        else:
            self.fail(error)

    def _on_trailers(self, trailers: Headers) -> None:
        error = status.from_trailers(trailers)
        if error is None and not self._incoming.is_between_messages:
            error = RemoteError("stream ended within a message", code=Code.INTERNAL)
        self._failure = error
        if error is not None and error.code == Code.DEADLINE_EXCEEDED and self._deadline:
            # The peer knows the deadline too, and may notice first that it has passed.
            self._failure = DeadlineError("deadline of the call has passed")
        self._ended = True
        self._leave()
        # The peer needs no more data. If both sides have ended, there is no stream to reset.
        self._endpoint.connection.reset(self.stream_id, ErrorCode.NO_ERROR)


def _response_error(code: str, fields: dict[str, str]) -> RemoteError | None:
    if code != "200":
        return status.from_http(code)
    content_type = fields.get("content-type", "")
    if not content_type.startswith("application/grpc"):
        return RemoteError(
            f"invalid content type {content_type!r}: expected application/grpc", code=Code.UNKNOWN
        )
    encoding = fields.get("grpc-encoding", "identity")
    if encoding != "identity":
        return RemoteError(f"unsupported compression {encoding!r}", code=Code.UNIMPLEMENTED)
    return None


class Channel:
    """A gRPC client connection over ``pipe``; any thread may make calls.

    ``authority`` is the name of the peer in the calls' headers, and ``scheme`` is ``https`` for a
    pipe over TLS. After a GOAWAY from the peer the channel accepts no new calls, and the connection
    ends with the last call that the peer still answers. ``on_end`` is called with the reason once
    the connection has ended, on the thread that read it. With ``keepalive``, the connection fails if
    the peer sends nothing for so many seconds of a call, and then does not answer a PING.
    """

    @checked
    def __init__(
        self,
        pipe: Pipe,
        *,
        authority: str = "localhost",
        scheme: str = "http",
        max_message_size: int = DEFAULT_MESSAGE_LIMIT,
        limits: Limits | None = None,
        on_end: Callable[[str], None] | None = None,
        keepalive: float | None = None,
    ) -> None:
        self._authority = authority
        self._scheme = scheme
        self._endpoint = Endpoint(
            pipe,
            client=True,
            message_limit=max_message_size,
            limits=limits or Limits(),
            keepalive=keepalive,
        )
        self._on_end = on_end
        self._reader = threading.Thread(target=self._read, name="tunnel-reader", daemon=True)
        self._reader.start()

    @property
    def is_open(self) -> bool:
        """Whether the connection accepts new calls."""
        return self._endpoint.failure is None and self._endpoint.departing is None

    @checked
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
        :class:`~llb.errors.TransportError` if the connection failed, and
        :class:`~llb.errors.CancelledError` if the timeout passed.
        """
        call = self.stream(method, timeout=timeout, metadata=metadata)
        return single_response(call, request)

    @checked
    def stream(
        self,
        method: str,
        *,
        timeout: float | None = None,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> ClientCall:
        """Start a call of any kind; raises the same errors as :meth:`call`.

        Blocks until the peer's limit on concurrent streams allows another one.
        """
        endpoint = self._endpoint
        deadline = None if timeout is None else monotonic() + timeout
        headers = headers_of.request(
            method, self._authority, timeout, metadata, scheme=self._scheme
        )
        call = ClientCall(endpoint, deadline)
        with endpoint.lock:
            endpoint.await_stream_slot(deadline)
            call.stream_id = endpoint.connection.open_stream(headers)
            endpoint.add_call(call, call.stream_id)
            endpoint.nudge_writer()
        return call

    def cancel(self) -> None:
        """Make all calls, and any later ones, raise CancelledError; does not wait.

        :meth:`close` must still be called.
        """
        self._endpoint.fail(CancelledError("call was cancelled"), ErrorCode.CANCEL)

    def close(self) -> None:
        """Close the connection and fail its calls. Idempotent."""
        self._endpoint.stop(TransportError("connection was closed"), ErrorCode.NO_ERROR)
        if threading.current_thread() is not self._reader:
            self._reader.join()

    def _read(self) -> None:
        self._endpoint.read_all()
        if self._on_end is not None and self._endpoint.failure is not None:
            self._on_end(self._endpoint.failure.message)
