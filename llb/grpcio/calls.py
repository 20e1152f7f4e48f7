"""A call through a ``grpc.Channel``, with the interface of :class:`llb.grpc.ClientCall`.

A thread for each call runs the interceptors and receives the responses, because an interceptor may
wait for the response itself, or return an object that cannot be cancelled. The caller waits for the
thread's results, and so ends at its deadline, or when another thread cancels the call, whatever
interceptors do.
"""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any

from llb.errors import CancelledError, RemoteError
from llb.grpc import Code
from llb.grpcio.errors import deadline_error, to_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import grpc

    from llb.grpcio.methods import Method

# A side with this many bytes in the queue waits until the other side has taken them.
_BUFFER = 512 * 1024


class GrpcioCall:
    """An outgoing call; one thread may send while another receives, and any may cancel.

    ``timeout`` is in seconds. ``on_end`` is called once, when the call is over.
    """

    def __init__(
        self,
        method: Method,
        channel: grpc.Channel,
        *,
        timeout: float | None,
        metadata: tuple[tuple[str, str | bytes], ...],
        on_end: Callable[[GrpcioCall], None],
    ) -> None:
        self._method = method
        self._channel = channel
        self._timeout = timeout
        self._deadline = None if timeout is None else monotonic() + timeout
        self._metadata = metadata
        self._on_end = on_end
        self._changed = threading.Condition()
        self._requests = _Queue()
        self._responses = _Queue()
        self._has_sent_all = False
        self._is_over = False
        self._failure: Exception | None = None
        self._call: Any = None

    def start(self) -> None:
        """Start the call."""
        # Interceptors for tracing find the caller's span in its context.
        context = contextvars.copy_context()
        name = f"grpcio {self._method.path}"
        threading.Thread(target=context.run, args=(self._run,), name=name, daemon=True).start()

    def send(self, message: bytes) -> None:
        """Send a message; blocks while the server accepts no more data.

        Raises the same errors as :meth:`receive`, but drops the message if the server has ended the
        call with OK.
        """
        with self._changed:
            self._check_alive()
            self._requests.put(message)
            self._changed.notify_all()
            while self._requests.is_full and not self._is_over:
                self._wait()
            self._check_alive()

    def flush(self) -> None:
        """Do nothing: messages do not wait for later ones."""

    def close_send(self) -> None:
        """Signal that no more messages follow."""
        with self._changed:
            self._has_sent_all = True
            self._changed.notify_all()

    def receive(self) -> bytes | None:
        """Receive the next message, or None after the last one.

        Raises :class:`~llb.errors.RemoteError` for a status other than OK,
        :class:`~llb.errors.TransportError` if the connection failed,
        :class:`~llb.errors.CancelledError` if the call was cancelled or its deadline passed, and
        any other exception that an interceptor raises.
        """
        with self._changed:
            while not self._responses.messages:
                self._check_alive()
                if self._is_over:
                    return None
                self._wait()
            self._changed.notify_all()
            return self._responses.take()

    def cancel(self) -> None:
        """Cancel the call on both sides; does nothing if the call is over."""
        self.fail(CancelledError("call was cancelled"))

    def fail(self, error: Exception) -> None:
        """Cancel the call, with the error that it raises from now on."""
        with self._changed:
            if self._is_over:
                return
            self._responses = _Queue()
            call = self._call
        self._end(error)
        _cancel(call)

    def _check_alive(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _wait(self) -> None:
        """Wait for a change, until the deadline, which also ends the call. Requires the lock."""
        timeout = None if self._deadline is None else self._deadline - monotonic()
        if timeout is None or timeout > 0:
            self._changed.wait(timeout)
        else:
            self._set_end(deadline_error())
            self._check_alive()

    def _run(self) -> None:
        """Start the call and receive its responses, on a thread of its own."""
        try:
            call = self._method.start(
                self._channel, self._take_requests(), self._timeout, self._metadata
            )
            with self._changed:
                self._call = call
                is_over = self._is_over
            if is_over:
                _cancel(call)
                return
            for response in self._method.responses(call):
                if not self._deliver(response):
                    return
        except StopIteration:
            self._end(RemoteError("unary call has no request", code=Code.INTERNAL))
        # An interceptor may raise any exception, and the caller receives it.
        except Exception as error:  # noqa: BLE001
            self._end(to_error(error, self._call, has_deadline=self._deadline is not None))
        else:
            self._end(None)

    def _take_requests(self) -> Iterator[bytes]:
        """Yield the messages to send; grpcio takes the next one when it has sent the last."""
        while True:
            with self._changed:
                while not (self._requests.messages or self._has_sent_all or self._is_over):
                    self._changed.wait()
                if self._is_over or not self._requests.messages:
                    return
                message = self._requests.take()
                self._changed.notify_all()
            yield message

    def _deliver(self, response: bytes) -> bool:
        """Queue a response, once there is space; return whether somebody still waits for it."""
        with self._changed:
            while self._responses.is_full and not self._is_over:
                self._changed.wait()
            if not self._is_over:
                self._responses.put(response)
                self._changed.notify_all()
            return not self._is_over

    def _end(self, error: Exception | None) -> None:
        with self._changed:
            self._set_end(error)

    def _set_end(self, error: Exception | None) -> None:
        """End the call, unless it is over. Requires the lock."""
        if not self._is_over:
            self._is_over = True
            self._failure = error
            self._changed.notify_all()
            self._on_end(self)


class _Queue:
    """Messages that one side has written and the other has not read."""

    def __init__(self) -> None:
        self.messages: deque[bytes] = deque()
        self._size = 0

    @property
    def is_full(self) -> bool:
        return self._size > _BUFFER

    def put(self, message: bytes) -> None:
        self.messages.append(message)
        self._size += len(message)

    def take(self) -> bytes:
        message = self.messages.popleft()
        self._size -= len(message)
        return message


def _cancel(call: Any) -> None:
    """Cancel a call of grpcio; an interceptor may have returned an object without that method."""
    if (cancel := getattr(call, "cancel", None)) is not None:
        cancel()
