"""One call as either side sees it: messages in, messages out, one end."""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from llb.errors import LLBError, RemoteError
from llb.grpc import messages
from llb.grpc.endings import DeadlineError
from llb.grpc.http2.frames import ErrorCode
from llb.grpc.messages import MessageReader
from llb.grpc.status import Code

if TYPE_CHECKING:
    from llb.grpc.endpoint import Endpoint
    from llb.grpc.http2.streams import Headers

# From here on a stream's bytes are worth a write without waiting for more.
_WAKE_SIZE = 128 * 1024
# Who sends waits above this many unsent bytes, until half of them are gone.
_SEND_BUFFER = 512 * 1024


class Call:
    """What a call is in both roles; one thread may send while another receives.

    The methods that begin with ``on_`` are called by the reader of the
    endpoint; they, and those that say so, need its lock.
    """

    def __init__(self, endpoint: Endpoint, deadline: float | None) -> None:
        self.stream_id = 0
        self._endpoint = endpoint
        self._deadline = deadline
        self._changed = threading.Condition(endpoint.lock)
        self._incoming = MessageReader(endpoint.message_limit)
        # Messages that were taken together under the lock, handed out without it.
        self._ready: deque[bytes] = deque()
        self._failure: LLBError | None = None
        self._ended = False
        self._is_receiving = False
        # Received bytes that the peer was not yet allowed to send again.
        self._held = 0

    def receive(self) -> bytes | None:
        """Return the next message, or None once the peer has sent its last one.

        Raises :class:`~llb.errors.CancelledError` when the call was cancelled
        or its deadline passed, and :class:`~llb.errors.TransportError` when
        the connection broke.
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
            self._give_back()
        return self._ready.popleft()

    def flush(self) -> None:
        """Send now what waits to share a write with more."""
        with self._endpoint.lock:
            self._endpoint.wake_writer()

    def _await_message(self) -> None:
        # Whoever waits wants the bytes of the message that is under way: one
        # larger than the window would never become whole if they stayed owed.
        self._is_receiving = True
        self._give_back()
        self._endpoint.wake_writer()
        try:
            self._wait()
        finally:
            self._is_receiving = False

    def _queue(self, message: bytes) -> None:
        """Queue a message; blocks while too much of this call waits. Needs the lock."""
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
        """Wait for a change, until the deadline. Needs the lock."""
        left = None if self._deadline is None else self._deadline - monotonic()
        if left is not None and left <= 0:
            self._expire()
        self._changed.wait(left)

    def _expire(self) -> None:
        error = DeadlineError("deadline of the call has passed")
        self.abort(error, ErrorCode.CANCEL)
        raise error

    def _give_back(self) -> None:
        if self._held:
            self._endpoint.connection.consumed(self.stream_id, self._held)
            self._held = 0
            self._endpoint.wake_writer()

    def room_made(self) -> None:
        """Wake whoever waits to send. Needs the lock."""
        if self._endpoint.connection.waiting(self.stream_id) <= _SEND_BUFFER // 2:
            self._changed.notify_all()

    def on_headers(self, headers: Headers, *, end: bool) -> None:
        """Take a header list that came after the one which began the call."""
        raise NotImplementedError

    def on_data(self, data: memoryview, *, end: bool) -> None:
        """Take bytes of the stream."""
        self._held += len(data)
        try:
            self._incoming.feed(data)
        except RemoteError as error:
            self.refuse(error)
            return
        if self._is_receiving and not self._incoming.messages:
            self._give_back()
        if end:
            self.on_end()

    def on_end(self) -> None:
        """Take the end of the peer's side."""
        if self._incoming.is_between_messages:
            self._ended = True
        else:
            self.refuse(RemoteError("stream ended within a message", code=Code.INTERNAL))

    def on_reset(self, code: int) -> None:
        """Take a reset of the stream."""
        raise NotImplementedError

    def on_settled(self) -> None:
        """Take note that a batch is over: let go of its buffer, wake who waits."""
        self._incoming.settle()
        self._changed.notify_all()

    def refuse(self, error: RemoteError) -> None:
        """End the call because of what the peer sent. Needs the lock."""
        self.abort(error, ErrorCode.CANCEL)

    def abort(self, error: LLBError, code: ErrorCode) -> None:
        """Fail the call here and reset it there. Needs the lock."""
        self.fail(error)
        self._incoming.take()
        self._endpoint.connection.reset(self.stream_id, code)
        self._endpoint.wake_writer()

    def fail(self, error: LLBError) -> None:
        """Have everything that waits for this call raise ``error``. Needs the lock."""
        if self._failure is None:
            self._failure = error
        self._leave()
        self._changed.notify_all()

    def _leave(self) -> None:
        """Take the call off the connection, and give its unread bytes back to it."""
        self._endpoint.calls.pop(self.stream_id, None)
        self._endpoint.connection.consumed(0, self._held)
        self._held = 0
        self._endpoint.leave_if_idle()
