"""One end of a gRPC connection and its threads: a reader, a writer, and the callers.

All share one lock. The reader feeds the state machine and wakes the threads that its events
concern; it never writes, so two ends cannot deadlock. The writer takes the available output, joins
it once and writes it in large pieces. Callers queue data, and block only for send buffer space, for
a message, or for the limit on concurrent streams.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from llb.errors import TransportError
from llb.grpc import forks
from llb.grpc.endings import ClosedError, DeadlineError, UnseenError
from llb.grpc.http2.connection import Connection
from llb.grpc.http2.events import DataReceived, GoAwayReceived, HeadersReceived, StreamReset
from llb.grpc.keepalive import Keepalive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb.errors import LLBError
    from llb.grpc.http2.events import Event, Limits, Listener
    from llb.grpc.http2.frames import ErrorCode
    from llb.grpc.http2.streams import Buffer
    from llb.grpc.pipe import Pipe

DEFAULT_MESSAGE_LIMIT = 16 * 2**20

# The writer joins this much into one write. BuildKit accepts up to 16 MiB in one
# message of a session.
_WRITE_SIZE = 512 * 1024
# Unflushed bytes wait this long for more bytes to share their write.
_LINGER = 0.002
# A closing end waits this long for its last data to be written or read.
_GRACE = 1.0


class Endpoint:
    """The part of a connection that both roles share: lock, calls, threads and shutdown.

    ``accept`` is called, with the lock held, for headers that start a stream. ``keepalive`` is the
    silence of the peer during a call, in seconds, after which it must answer a PING.
    """

    def __init__(
        self,
        pipe: Pipe,
        *,
        client: bool,
        message_limit: int,
        limits: Limits,
        accept: Callable[[HeadersReceived], None] | None = None,
        keepalive: float | None = None,
    ) -> None:
        self.lock = threading.Lock()
        self.connection = Connection(client=client, limits=limits)
        self._new_connection = partial(Connection, client=client, limits=limits)
        self.message_limit = message_limit
        self.calls: dict[int, Listener] = {}
        self.failure: LLBError | None = None
        self.departing: TransportError | None = None
        # Notified when the limit on concurrent streams may allow another stream.
        self.slot_freed = threading.Condition(self.lock)
        self._pipe = pipe
        self._accept = accept
        self._keepalive = None if keepalive is None else Keepalive(keepalive, monotonic())
        self._blocked: set[Listener] = set()
        self._work = threading.Condition(self.lock)
        self._is_urgent = True
        self._has_lazy = False
        # Whether the shutdown has started, and whether this side started it in order.
        self._stopping = False
        self._has_left = False
        self._is_parents = False
        self._reader_ended = threading.Event()
        self._writer = threading.Thread(target=self._write_all, name="tunnel-writer", daemon=True)
        self._writer.start()
        forks.register(self)

    def wake_writer(self) -> None:
        """Let the writer send the available output now. Requires the lock."""
        if not self._is_urgent and self.connection.has_output:
            self._is_urgent = True
            self._work.notify()

    def nudge_writer(self) -> None:
        """Let the writer send the available output after a short delay. Requires the lock."""
        if not self._has_lazy and not self._is_urgent:
            self._has_lazy = True
            self._work.notify()

    def await_stream_slot(self, deadline: float | None) -> None:
        """Block until a stream can be opened. Requires the lock.

        Raises :class:`~llb.errors.TransportError` if the connection accepts no more streams, and
        :class:`~llb.errors.CancelledError` if the deadline passes.
        """
        while True:
            refusal = self.failure or self.departing
            if refusal is not None:
                raise refusal
            if self.connection.can_open:
                return
            timeout = None if deadline is None else deadline - monotonic()
            if timeout is not None and timeout <= 0:
                raise DeadlineError("deadline of the call has passed")
            self.slot_freed.wait(timeout)

    def add_call(self, call: Listener, stream_id: int) -> None:
        """Register the call of a new stream. Requires the lock."""
        if self._keepalive is not None and not self.calls:
            self._keepalive.hear(monotonic())
        self.calls[stream_id] = call

    @contextmanager
    def sending(self, call: Listener) -> Iterator[None]:
        """Notify ``call`` within this context when its queue has space. Requires the lock."""
        self._blocked.add(call)
        try:
            yield
        finally:
            self._blocked.discard(call)

    def leave_if_idle(self) -> None:
        """Close a departing connection once it has no calls. Requires the lock."""
        if self.departing is not None and not self.calls and not self._stopping:
            self.failure = self.departing
            self._stopping = True
            self._work.notify()

    def read_all(self) -> LLBError | None:
        """Read until the pipe ends; return the reason, or None if it ended in order.

        When it returns, every call has failed and the pipe is closed.
        """
        reason = TransportError("reading from the connection failed")
        is_orderly = False
        try:
            while data := self._pipe.read():
                with self.lock:
                    if self._keepalive is not None:
                        self._keepalive.hear(monotonic())
                    self._dispatch(self.connection.receive(data))
            reason, is_orderly = ClosedError("connection was closed by the peer"), True
        except TransportError as error:
            reason = error
        except OSError as error:
            reason = TransportError(f"connection broke: {error.strerror}")
        # A thread that dies in silence would let its callers wait for ever.
        except Exception as error:  # noqa: BLE001
            reason = _unexpected("reading from", error)
        finally:
            self.fail(reason)
            self._reader_ended.set()
            self.stop(reason)
        if self._has_left or (is_orderly and self.failure is reason):
            return None
        return self.failure

    def fail(self, reason: LLBError, code: ErrorCode | None = None) -> None:
        """Fail every call and all later ones, without waiting; :meth:`stop` closes the pipe."""
        with self.lock:
            self._fail(reason, code)

    def _fail(self, reason: LLBError, code: ErrorCode | None = None) -> None:
        if self.failure is None:
            self.failure = reason
            if code is not None:
                self._has_left = True
                self.connection.go_away(code)
            for call in list(self.calls.values()):
                call.fail(reason)
        self._stopping = True
        self.slot_freed.notify_all()
        self._work.notify()

    def stop(self, reason: LLBError, code: ErrorCode | None = None) -> None:
        """Fail every call, write the remaining output and close the pipe; idempotent.

        A ``code`` means that this side closes the connection, and is sent to the peer.
        """
        self.fail(reason, code)
        if self._is_parents:
            return
        if threading.current_thread() is not self._writer:
            self._writer.join(_GRACE)
        self._pipe.close()

    def after_fork(self) -> None:
        """Fail every call in the child of a fork, and leave the connection to the parent."""
        self.lock = threading.Lock()
        self.slot_freed = threading.Condition(self.lock)
        self._work = threading.Condition(self.lock)
        self._reader_ended = threading.Event()
        self._reader_ended.set()
        # Another thread of the parent may have been in the middle of a change.
        self.connection = self._new_connection()
        self.failure = self.failure or forks.ForkedError()
        self._stopping = self._is_parents = True
        for call in list(self.calls.values()):
            call.after_fork()
        self.calls.clear()

    def _dispatch(self, events: list[Event]) -> None:
        touched: set[Listener] = set()
        for event in events:
            if isinstance(event, GoAwayReceived):
                self._on_goaway(event)
                continue
            call = self.calls.get(event.stream_id)
            if call is None:
                self._on_stray(event)
                continue
            touched.add(call)
            match event:
                case DataReceived():
                    call.on_data(event.data, end=event.end)
                case HeadersReceived():
                    call.on_headers(event.headers, end=event.end)
                case StreamReset():
                    call.on_reset(event.code)
        for call in touched:
            call.on_settled()
        self.slot_freed.notify_all()
        self.wake_writer()

    def _on_stray(self, event: DataReceived | HeadersReceived | StreamReset) -> None:
        match event:
            case DataReceived():
                # The call is over on this side, but the peer may need the window for its trailers.
                self.connection.consumed(event.stream_id, len(event.data))
            case HeadersReceived() if self._accept is not None:
                self._accept(event)

    def _on_goaway(self, event: GoAwayReceived) -> None:
        detail = f": {event.text}" if event.text else ""
        reason = TransportError(f"peer is closing the connection{detail}")
        self.departing = reason
        for stream_id, call in list(self.calls.items()):
            if stream_id > event.last_stream_id:
                call.fail(UnseenError(reason.message))
        self.leave_if_idle()

    def _write_all(self) -> None:
        reason = TransportError("writing to the connection failed")
        try:
            while True:
                with self.lock:
                    output = self._next_output()
                if not output:
                    return
                self._pipe.write(b"".join(output))
        except TransportError as error:
            reason = error
        except OSError as error:
            reason = TransportError(f"connection broke: {error.strerror}")
        except Exception as error:  # noqa: BLE001 - as above
            reason = _unexpected("writing to", error)
        finally:
            # Data that the peer wrote before it left may still be unread, for example
            # the answer to the last call.
            if not self._stopping:
                self._reader_ended.wait(_GRACE)
            self.stop(reason)

    def _next_output(self) -> list[Buffer]:
        while True:
            if self._is_urgent or self._stopping:
                self._has_lazy = False
                output = self.connection.take_output(_WRITE_SIZE)
                self._is_urgent = bool(output) and self.connection.has_output
                for call in list(self._blocked):
                    call.on_writable()
                if output or self._stopping:
                    return output
            elif self._has_lazy:
                self._is_urgent = not self._work.wait(_LINGER) or self._is_urgent
            else:
                self._work.wait(self._until_keepalive())
                self._keep_alive()

    def _until_keepalive(self) -> float | None:
        """Compute how many seconds the peer may still be silent; None without a limit."""
        if self._keepalive is None or not self.calls:
            return None
        return max(0.0, self._keepalive.due - monotonic())

    def _keep_alive(self) -> None:
        """Ask a silent peer for an answer; fail all calls if it has not given one."""
        if self._keepalive is None or not self.calls:
            return
        try:
            is_due = self._keepalive.step(monotonic())
        except TransportError as error:
            self._fail(error)
            return
        if is_due:
            self.connection.ping()
            self._is_urgent = True


def _unexpected(doing: str, error: Exception) -> TransportError:
    reason = TransportError(f"{doing} the connection failed: {error!r}")
    reason.__cause__ = error
    return reason
