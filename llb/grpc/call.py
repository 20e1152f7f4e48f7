"""A gRPC call in either role: messages in, messages out, one end."""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from llb.errors import LLBError, RemoteError
from llb.grpc import messages
from llb.grpc.endings import DeadlineError
from llb.grpc.forks import ForkedError
from llb.grpc.http2.frames import ErrorCode
from llb.grpc.messages import MessageReader
from llb.grpc.status import Code

if TYPE_CHECKING:
    from llb.grpc.endpoint import Endpoint
    from llb.grpc.http2.streams import Headers

# With this many queued bytes a stream is written at once, without waiting for more.
_WAKE_SIZE = 128 * 1024
# A sender blocks above this many unsent bytes, until half of them are sent.
_SEND_BUFFER = 512 * 1024


class Call:
    """The part of a call that both roles share; one thread may send while another receives.

    The reader of the endpoint calls the ``on_…`` methods. They, and the methods that say so,
    require the endpoint's lock.
    """

    def __init__(self, endpoint: Endpoint, deadline: float | None) -> None:
        self.stream_id = 0
        self._endpoint = endpoint
        self._deadline = deadline
        self._changed = threading.Condition(endpoint.lock)
        self._incoming = MessageReader(endpoint.message_limit)
        # Messages that were taken in one batch under the lock, and are returned without it.
        self._ready: deque[bytes] = deque()
        self._failure: LLBError | None = None
        self._ended = False
        self._is_receiving = False
        # Received bytes that were not yet returned to the peer's flow control window.
        self._held = 0

    def receive(self) -> bytes | None:
        """Receive the next message, or None after the peer's last one.

        Raises :class:`~llb.errors.CancelledError` if the call was cancelled or its deadline passed,
        and :class:`~llb.errors.TransportError` if the connection failed.
        """
        if self._ready:
            return self._ready.popleft()
        with self._endpoint.lock:
            while not self._incoming.messages:
                if self._failure is not None:
                    raise self._failure
                if self._ended:
                    return None
                self._await_message()
            self._ready = self._incoming.take()
            self._return_window()
        return self._ready.popleft()

    def flush(self) -> None:
        """Send messages that wait to share a write with later ones."""
        with self._endpoint.lock:
            self._endpoint.wake_writer()

    def _await_message(self) -> None:
        # Return the window while waiting: a message larger than the window could
        # otherwise never be completed.
        self._is_receiving = True
        self._return_window()
        self._endpoint.wake_writer()
        try:
            self._wait()
        finally:
            self._is_receiving = False

    def _queue(self, message: bytes) -> None:
        """Queue a message; block while too much data of this call is unsent. Requires the lock."""
        endpoint = self._endpoint
        waiting = endpoint.connection.send_data(self.stream_id, messages.prefix(message), message)
        if waiting < _WAKE_SIZE:
            endpoint.nudge_writer()
            return
        endpoint.wake_writer()
        if waiting > _SEND_BUFFER:
            while endpoint.connection.waiting(self.stream_id) > _SEND_BUFFER // 2:
                with endpoint.sending(self):
                    self._wait()
                self._check_alive()

    def _check_alive(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._is_late():
            self._expire()

    def _is_late(self) -> bool:
        return self._deadline is not None and monotonic() >= self._deadline

    def _wait(self) -> None:
        """Wait for a change, until the deadline. Requires the lock."""
        timeout = None if self._deadline is None else self._deadline - monotonic()
        if timeout is not None and timeout <= 0:
            self._expire()
        self._changed.wait(timeout)

    def _expire(self) -> None:
        error = DeadlineError("deadline of the call has passed")
        self.abort(error, ErrorCode.CANCEL)
        raise error

    def _return_window(self) -> None:
        if self._held:
            self._endpoint.connection.consumed(self.stream_id, self._held)
            self._held = 0
            self._endpoint.wake_writer()

    def on_writable(self) -> None:
        """Wake the thread that waits to send, if enough is sent. Requires the lock."""
        if self._endpoint.connection.waiting(self.stream_id) <= _SEND_BUFFER // 2:
            self._changed.notify_all()

    def on_headers(self, headers: Headers, *, end: bool) -> None:
        """Handle a header list after the one that started the call."""
        raise NotImplementedError

    def on_data(self, data: memoryview, *, end: bool) -> None:
        """Handle received bytes of the stream."""
        self._held += len(data)
        try:
            self._incoming.feed(data)
        except RemoteError as error:
            self.refuse(error)
            return
        if self._is_receiving and not self._incoming.messages:
            self._return_window()
        if end:
            self.on_end()

    def on_end(self) -> None:
        """Handle the end of the peer's side of the stream."""
        if self._incoming.is_between_messages:
            self._ended = True
        else:
            self.refuse(RemoteError("stream ended within a message", code=Code.INTERNAL))

    def on_reset(self, code: int) -> None:
        """Handle a reset of the stream."""
        raise NotImplementedError

    def on_settled(self) -> None:
        """Handle the end of a batch of events: release its buffer and wake the waiting threads."""
        self._incoming.settle()
        self._changed.notify_all()

    def refuse(self, error: RemoteError) -> None:
        """End the call because of invalid data from the peer. Requires the lock."""
        self.abort(error, ErrorCode.CANCEL)

    def abort(self, error: LLBError, code: ErrorCode) -> None:
        """Fail the call locally and reset its stream. Requires the lock."""
        self.fail(error)
        self._incoming.take()
        self._endpoint.connection.reset(self.stream_id, code)
        self._endpoint.wake_writer()

    def fail(self, error: LLBError) -> None:
        """Make every thread that waits for this call raise ``error``. Requires the lock."""
        if self._failure is None:
            self._failure = error
        self._leave()
        self._changed.notify_all()

    def after_fork(self) -> None:
        """Fail the call in the child of a fork, where no other thread uses it."""
        self._failure = self._failure or ForkedError()
        self._changed = threading.Condition(self._endpoint.lock)
        self._incoming = MessageReader(self._endpoint.message_limit)
        self._ready.clear()

    def _leave(self) -> None:
        """Remove the call from the connection, and return its unread bytes to the window."""
        self._endpoint.calls.pop(self.stream_id, None)
        self._endpoint.connection.consumed(0, self._held)
        self._held = 0
        self._endpoint.leave_if_idle()
