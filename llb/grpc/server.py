"""The gRPC server: handle incoming calls, each in its own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING

from llb._logs import logger
from llb.arguments.checked import checked
from llb.errors import CancelledError, LLBError, RemoteError, TransportError
from llb.grpc import metadata, status
from llb.grpc.call import Call
from llb.grpc.endpoint import DEFAULT_MESSAGE_LIMIT, Endpoint
from llb.grpc.http2.events import HeadersReceived, Limits
from llb.grpc.http2.frames import ErrorCode
from llb.grpc.status import Code

if TYPE_CHECKING:
    from llb.grpc.http2.streams import Headers
    from llb.grpc.pipe import Pipe

_log = logger(__name__)

# A closing server waits this long for its handlers to end.
_GRACE = 1.0


class ServerCall(Call):
    """An incoming call.

    ``method`` is the path ``/package.Service/Method``; ``metadata`` maps lower-case names to their
    values.
    """

    def __init__(self, endpoint: Endpoint, headers: Headers, timeout: float | None) -> None:
        super().__init__(endpoint, None if timeout is None else monotonic() + timeout)
        self.metadata: Mapping[str, tuple[str, ...]] = metadata.parse_metadata(headers)
        self.method = dict(headers).get(":path", "")
        self._has_headers = False

    @checked
    def send(self, message: bytes) -> None:
        """Send a message; it may be delayed until :meth:`flush` or :meth:`receive`.

        Blocks while the peer accepts no more data. Raises the same errors as :meth:`receive`.
        """
        with self._endpoint.lock:
            self._check_alive()
            self._send_headers()
            self._queue(message)

    @checked
    def finish(self, error: RemoteError | None) -> None:
        """End the call with an error, or with OK for None; does nothing if the call is over."""
        with self._endpoint.lock:
            if self._failure is None:
                self._finish(error)

    def _finish(self, error: RemoteError | None) -> None:
        connection = self._endpoint.connection
        trailers = status.to_trailers(error)
        # The details come last and the code first: trailers are dropped from the end to fit.
        while len(trailers) > 1 and not connection.fits_peer(trailers):
            trailers = trailers[:-1]
        if not self._has_headers:
            trailers = metadata.RESPONSE + trailers
        connection.end_stream(self.stream_id, trailers)
        self._failure = CancelledError("call is over")
        self._leave()
        self._endpoint.wake_writer()

    def _send_headers(self) -> None:
        if not self._has_headers:
            self._has_headers = True
            self._endpoint.connection.send_headers(self.stream_id, metadata.RESPONSE)

    def on_headers(self, headers: Headers, *, end: bool) -> None:  # noqa: ARG002 - clients send no trailers that gRPC gives a meaning
        """Handle the trailers of a request."""
        if end:
            self.on_end()
        else:
            self.abort(CancelledError("peer sent two header lists"), ErrorCode.PROTOCOL_ERROR)

    def on_reset(self, code: int) -> None:  # noqa: ARG002 - every reset is a cancellation here
        """Handle a cancellation by the peer."""
        self.fail(CancelledError("call was cancelled by the peer"))

    @checked
    def refuse(self, error: RemoteError) -> None:
        """End the call with ``error``; the handler sees a cancelled call."""
        self._finish(error)
        self._failure = CancelledError(f"call was refused: {error.message}")


Handler = Callable[[ServerCall], None]


class Server:
    """A gRPC server for the calls of one peer over ``pipe``.

    ``handlers`` maps methods to functions. A handler that returns ends its call with OK. One that
    raises :class:`~llb.errors.RemoteError` ends it with that status, and any other exception ends
    it with ``UNKNOWN`` and its message. ``unknown`` handles methods without a handler; by default
    they are answered with ``UNIMPLEMENTED``. ``on_error`` is called with exceptions of handlers that
    are none of this library's errors, on the thread of the call. The peer then gets their class
    only: the message may have a secret.
    """

    @checked
    def __init__(
        self,
        pipe: Pipe,
        handlers: Mapping[str, Handler],
        *,
        unknown: Handler | None = None,
        on_error: Callable[[Exception], None] | None = None,
        max_message_size: int = DEFAULT_MESSAGE_LIMIT,
        limits: Limits | None = None,
    ) -> None:
        self._handlers = dict(handlers)
        self._unknown = unknown
        self._on_error = on_error
        self._limits = limits or Limits()
        self._running: set[threading.Thread] = set()
        self._endpoint = Endpoint(
            pipe,
            client=False,
            message_limit=max_message_size,
            limits=self._limits,
            accept=self._accept,
        )

    @property
    def failure(self) -> LLBError | None:
        """The reason why the connection ended; the calls that it ended raise this same error."""
        return self._endpoint.failure

    def serve(self) -> None:
        """Serve until the pipe ends or :meth:`close` is called.

        Raises :class:`~llb.errors.TransportError` if the pipe failed or the peer violated the
        protocol.
        """
        failure = self._endpoint.read_all()
        self._join_handlers()
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Close the connection and fail its calls. Idempotent."""
        self._endpoint.stop(TransportError("connection was closed"), ErrorCode.NO_ERROR)

    def _join_handlers(self) -> None:
        deadline = monotonic() + _GRACE
        with self._endpoint.lock:
            running = list(self._running)
        for thread in running:
            thread.join(max(0.0, deadline - monotonic()))

    def _accept(self, event: HeadersReceived) -> None:
        connection = self._endpoint.connection
        try:
            handler, timeout = self._find(dict(event.headers))
        except RemoteError as error:
            trailers = metadata.RESPONSE + status.to_trailers(error)
            connection.end_stream(event.stream_id, trailers)
            return
        if len(self._running) >= self._limits.streams:
            # Handlers of reset calls may still run.
            connection.reset(event.stream_id, ErrorCode.REFUSED_STREAM)
            return
        call = ServerCall(self._endpoint, event.headers, timeout)
        call.stream_id = event.stream_id
        self._endpoint.add_call(call, event.stream_id)
        if event.end:
            call.on_end()
        thread = threading.Thread(
            target=self._run, args=(call, handler), name=f"tunnel {call.method}", daemon=True
        )
        self._running.add(thread)
        thread.start()

    def _find(self, headers: Mapping[str, str]) -> tuple[Handler, float | None]:
        """Find the handler and the timeout of a request. Raises RemoteError."""
        if headers.get(":method") != "POST":
            raise RemoteError("request is not a POST", code=Code.INTERNAL)
        content_type = headers.get("content-type", "")
        if not content_type.startswith("application/grpc"):
            raise RemoteError(
                f"invalid content type {content_type!r}: expected application/grpc",
                code=Code.INTERNAL,
            )
        encoding = headers.get("grpc-encoding", "identity")
        if encoding != "identity":
            raise RemoteError(f"unsupported compression {encoding!r}", code=Code.UNIMPLEMENTED)
        timeout_header = headers.get("grpc-timeout")
        timeout = None if timeout_header is None else metadata.parse_timeout(timeout_header)
        if timeout_header is not None and timeout is None:
            raise RemoteError(f"invalid timeout {timeout_header!r}", code=Code.INTERNAL)
        method = headers.get(":path", "")
        handler = self._handlers.get(method, self._unknown)
        if handler is None:
            raise RemoteError(f"unknown method {method}", code=Code.UNIMPLEMENTED)
        return handler, timeout

    def _run(self, call: ServerCall, handler: Handler) -> None:
        error: RemoteError | None = RemoteError("handler was interrupted", code=Code.UNKNOWN)
        _log.debug("request %s", call.method)
        try:
            handler(call)
            error = None
        except RemoteError as raised:
            error = raised
        except CancelledError as raised:
            error = RemoteError(raised.message, code=Code.CANCELLED)
        except LLBError as raised:
            error = RemoteError(raised.title, code=Code.UNKNOWN)
        except Exception as raised:  # noqa: BLE001 - the peer must get an answer whatever a handler does
            name = type(raised).__name__
            if self._on_error is None:
                error = RemoteError(str(raised) or name, code=Code.UNKNOWN)
            else:
                error = RemoteError(f"the client raised {name}", code=Code.UNKNOWN)
                self._on_error(raised)
        finally:
            # Once the peer has the answer, it may start another call.
            with self._endpoint.lock:
                self._running.discard(threading.current_thread())
            if error is not None:
                _log.debug("request %s ended with status %d", call.method, error.code)
            call.finish(error)
