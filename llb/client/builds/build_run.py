"""Run a build: the Solve call, the Status stream and the session, in parallel, until all end."""

from __future__ import annotations

import threading
from collections import deque
from contextvars import copy_context
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from attrs import field, mutable

from llb.client.connect.errors import connection_lost, names_step, to_solve_error
from llb.client.connect.session_pipe import InterceptedError
from llb.client.opening import deadline_after, remaining
from llb.client.progress.events import Event, Vertex, VertexLog, from_response
from llb.client.progress.raw_reports import Report, to_report
from llb.errors import CancelledError, InputError, LLBError, RemoteError, TransportError
from llb.grpc.endings import DeadlineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llb._pb import control_pb2 as pb
    from llb.client.builds.docker_push import DockerPush
    from llb.client.builds.function_frontend import FunctionFrontend
    from llb.client.connect.calls import Responses
    from llb.client.connect.control import Control
    from llb.client.connect.routes import Metadata
    from llb.client.export.outputs import Output
    from llb.client.export.receivers import Receivers
    from llb.client.session.session import Session

T_ = TypeVar("T_")

_KEPT_LINES = 200
# The limit for one line, because output need not contain a newline.
_KEPT_BYTES = 16 * 1024
# A daemon ends the event stream soon after the build. After this time without an event the client
# stops waiting; likewise for a frontend function that may raise the reason of a failed build.
_STATUS_SECONDS = 5.0
# A daemon that rejects a build at once sends no events, but keeps the stream open.
_SILENT_SECONDS = 1.0
_SESSION_SECONDS = 5.0
# How often the silence of the daemon is measured, and the least that is too long: a daemon checks a
# session every five seconds.
_TICK_SECONDS = 1.0
_LEAST_SILENCE = 20.0
_NO_BUILD = "no such job"
# A function whose build was cancelled gets this long to end, before the cancellation is reported.
_FUNCTION_SECONDS = 1.0
# The end of a tree may still be in transit when the daemon reports success.
_TRANSFER_SECONDS = 30.0


@mutable
class _Record:
    """The names and last log lines of the steps, to explain a failure."""

    names: dict[str, str] = field(factory=dict)
    logs: dict[str, deque[bytes]] = field(factory=dict)

    def add(self, event: Event) -> None:
        match event:
            case Vertex():
                self.names[event.digest] = event.name
            case VertexLog():
                lines = self.logs.setdefault(event.vertex, deque([b""], maxlen=_KEPT_LINES))
                first, *new_lines = event.data.split(b"\n")
                lines[-1] = (lines[-1] + first)[-_KEPT_BYTES:]
                lines.extend(line[-_KEPT_BYTES:] for line in new_lines[-_KEPT_LINES:])

    def log_of(self, digest: str) -> tuple[str, ...]:
        lines = [line.rstrip(b"\r").decode(errors="replace") for line in self.logs.get(digest, ())]
        return tuple(lines[:-1] if lines and not lines[-1] else lines)


class BuildRun:
    """A running build: its Solve call, its session, and its outputs on the client.

    ``control`` is a scope of its own, which cancelling closes. Receivers may be added while it
    runs. Whoever calls :meth:`run` discards the outputs afterwards.
    """

    def __init__(
        self,
        control: Control,
        session: Session,
        receivers: Receivers,
        outputs: Iterable[Output],
        on_event: Callable[[Event], None] | None,
        on_report: Callable[[Report], None] | None = None,
        silence: float | None = None,
    ) -> None:
        self._control = control
        self._silence = silence
        self._session = session
        self._receivers = receivers
        self._outputs = (receivers, *outputs)
        self._on_event = on_event
        self._on_report = on_report
        self._record = _Record()
        # The time at which the last events arrived.
        self._last_events = 0.0
        self._status: Responses[pb.StatusResponse] | None = None
        self._answer: Responses[pb.SolveResponse] | None = None
        self._frontend: FunctionFrontend | None = None
        self._push: DockerPush | None = None
        self._lock = threading.Lock()
        self._failure: Exception | None = None
        self._answered = threading.Event()
        self._is_cancelled = False
        self._is_committing = False
        self._frontend_error: LLBError | None = None
        self._session_over = threading.Event()
        self._listening = threading.RLock()
        self._context = copy_context()

    def run(
        self,
        request: pb.SolveRequest,
        timeout: float | None,
        frontend: FunctionFrontend | None = None,
        metadata: Metadata = (),
        push: DockerPush | None = None,
    ) -> pb.SolveResponse:
        """Send the request and wait for the response; raises the errors of ``Client.solve``.

        ``frontend`` runs concurrently on its own thread; its exceptions end the build and are
        raised here. ``metadata`` accompanies the request. ``push`` follows a successful build.
        """
        deadline = deadline_after(timeout)
        self._session.open(
            lambda metadata: self._control.open_session(metadata, timeout), self._abort
        )
        serving = self._start_thread(self._serve)
        if self._silence is not None:
            limit = max(self._silence, _LEAST_SILENCE)
            self._start_thread(lambda: self._watch(limit))
        try:
            response = self._build(request, remaining(deadline), frontend, metadata)
            self._receivers.check_complete(_TRANSFER_SECONDS)
            # A daemon that is still served could read files that its export changes on the client.
            self._end_session(serving)
            if push is not None:
                self._push_images(push, response, deadline)
            self._commit(response.ExporterResponse)
        finally:
            self._end_session(serving)
        return response

    def cancel(self) -> None:
        """End the build with CancelledError, from any thread, without waiting for its end.

        Does nothing once the results are being put in place.
        """
        with self._lock:
            if self._is_committing or self._failure is not None:
                return
            self._is_cancelled = True
            self._failure = CancelledError("the build was cancelled")
            frontend, push = self._frontend, self._push
        # First, because the daemon's answer to a function would be another error.
        if frontend is not None:
            frontend.cancel()
        if push is not None:
            push.cancel()
        self._control.close()
        self._receivers.cancel()

    def show(self, progress: pb.StatusResponse) -> None:
        """Pass on progress of this client, from any thread."""
        if not self._session_over.is_set():
            self._context.copy().run(self._handle, progress)

    def _build(
        self,
        request: pb.SolveRequest,
        timeout: float | None,
        frontend: FunctionFrontend | None,
        metadata: Metadata,
    ) -> pb.SolveResponse:
        worker: threading.Thread | None = None
        follower: threading.Thread | None = None
        try:
            # Status comes second: where the daemon limits the streams of a connection, builds that
            # wait for a stream must not keep one.
            self._solve(request, timeout, metadata)
            follower = self._start_thread(lambda: self._follow(request.Ref))
            if frontend is not None:
                worker = self._start_frontend(frontend, request.Ref)
            response = self._wait()
            self._await_events(follower, _STATUS_SECONDS)
            if self._failure is not None:
                raise self._failure
        except LLBError as error:
            if not self._is_cancelled:
                # After the deadline, nothing is waited for.
                if not isinstance(error, DeadlineError):
                    self._await_reasons(error, follower, worker)
                reason = self._most_specific(self._frontend_error or error)
                if reason is error:
                    raise
                raise reason from reason.__cause__ or error
            if worker is not None:
                worker.join(_FUNCTION_SECONDS)
            raise
        finally:
            if self._answer is not None:
                # After an error on this side, this ends the build on the daemon.
                self._answer.cancel()
            if self._status is not None:
                self._status.cancel()
        return response

    def _await_reasons(
        self,
        error: LLBError,
        follower: threading.Thread | None,
        worker: threading.Thread | None,
    ) -> None:
        """Wait for events and errors that explain why a build failed."""
        if follower is not None:
            # A failed step has events, even if none has arrived yet.
            has_events = bool(self._record.names) or names_step(error)
            self._await_events(follower, _STATUS_SECONDS if has_events else _SILENT_SECONDS)
        if worker is not None and isinstance(error, RemoteError):
            # The daemon may report the error before the thread that raised it does.
            worker.join(_STATUS_SECONDS)

    def _watch(self, limit: float) -> None:
        """End the build if the daemon no longer checks the health of the session."""
        health = self._session.health
        silent, seen = 0.0, 0
        # Waits are counted, because a clock also counts the time in which this process was stopped.
        while not self._session_over.wait(_TICK_SECONDS):
            silent = silent + _TICK_SECONDS if seen == health.checks else 0.0
            seen = health.checks
            if seen and silent >= limit:
                message = f"the daemon has been silent for {silent:.0f} seconds"
                self._abort(connection_lost(self._control.address, message, None))
                return

    def _end_session(self, serving: threading.Thread) -> None:
        self._session_over.set()
        self._session.close()
        serving.join(_SESSION_SECONDS)

    def _solve(self, request: pb.SolveRequest, timeout: float | None, metadata: Metadata) -> None:
        """Send the request. Raises the error of a build that has already failed."""
        self._answer = self._control.solve(request, timeout, metadata)
        if self._failure is not None:
            raise self._failure

    def _wait(self) -> pb.SolveResponse:
        assert self._answer is not None
        try:
            return self._answer.single()
        except CancelledError:
            if self._failure is None:
                raise
        finally:
            self._answered.set()
        # Outside the handler: the end of the call is no cause of the failure that ended it.
        raise self._failure

    def _push_images(
        self, push: DockerPush, response: pb.SolveResponse, deadline: float | None
    ) -> None:
        """Let Docker push what it has built; raises SolveError, and CancelledError."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            self._push = push
        timer = threading.Timer(remaining(deadline) or 0.0, push.cancel)
        if deadline is not None:
            timer.start()
        try:
            push.run(response.ExporterResponse, self._handle)
        except TransportError as error:
            if self._failure is not None:
                raise self._failure from error
            if deadline is not None and not remaining(deadline):
                raise CancelledError("the deadline passed during a push") from error
            raise connection_lost(self._control.address, error.message, error.hint) from error
        finally:
            timer.cancel()

    def _commit(self, answers: Mapping[str, str]) -> None:
        with self._lock:
            if self._failure is not None:
                raise self._failure
            self._is_committing = True
        try:
            for output in self._outputs:
                output.commit(answers)
        except OSError as error:
            path = error.filename2 or error.filename
            raise InputError(f"cannot write the output {path}: {error.strerror}") from error

    def _most_specific(self, error: LLBError) -> Exception:
        """Choose the most specific error: a failure of the client before its echo by the daemon."""
        if self._session.failures:
            return self._session.failures[0]
        # Any other type is an error of the caller.
        if type(error) is RemoteError:
            return to_solve_error(error, self._record.names.get, self._record.log_of)
        return error

    def _serve(self) -> None:
        try:
            self._session.serve()
        except InterceptedError as error:
            self._abort(error.cause)
        except TransportError as error:
            # Nothing else detects a network that has gone silent.
            self._abort(connection_lost(self._control.address, error.message, error.hint))

    def _start_frontend(self, frontend: FunctionFrontend, ref: str) -> threading.Thread:
        with self._lock:
            self._frontend = frontend
            is_cancelled = self._is_cancelled
        if is_cancelled:
            frontend.cancel()
        return self._start_thread(lambda: self._run_frontend(frontend, ref))

    def _run_frontend(self, frontend: FunctionFrontend, ref: str) -> None:
        try:
            frontend.run(ref)
        # The caller's own error, whatever it is, belongs to the caller of build().
        except Exception as error:  # noqa: BLE001
            # A daemon that has refused the request says why in its answer to Solve.
            if _is_without_build(error) and self._answered.wait(_STATUS_SECONDS):
                return
            if isinstance(error, LLBError) and not isinstance(error, TransportError):
                self._frontend_error = error
            self._abort(error)

    def _follow(self, ref: str) -> None:
        self._status = self._control.status(ref)
        for response in self._status:
            try:
                self._handle(response)
            except TransportError as error:
                self._abort(error)
                return
            self._last_events = monotonic()

    def _await_events(self, follower: threading.Thread, seconds: float) -> None:
        """Wait for the end of the events, or until none has arrived for some seconds."""
        start = monotonic()
        while follower.is_alive():
            left = max(start, self._last_events) + seconds - monotonic()
            if left <= 0:
                return
            follower.join(left)

    def _handle(self, response: pb.StatusResponse) -> None:
        # Listeners expect one call at a time.
        with self._listening:
            if self._on_report is not None:
                self._notify(self._on_report, to_report(response))
            for event in from_response(response):
                self._record.add(event)
                if self._on_event is not None:
                    self._notify(self._on_event, event)

    def _notify(self, listener: Callable[[T_], None], value: T_) -> None:
        try:
            listener(value)
        # The caller's own error, whatever it is, belongs to the caller of solve().
        except Exception as error:  # noqa: BLE001
            self._on_event = self._on_report = None
            self._abort(error)

    def _abort(self, error: Exception) -> None:
        """End the build with the error of a thread."""
        with self._lock:
            self._failure = self._failure or error
            push = self._push
        if push is not None:
            push.cancel()
        if self._answer is not None:
            self._answer.cancel()

    def _start_thread(self, work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            # The same failure also fails the Solve call, which reports it.
            try:
                work()
            except LLBError:
                return
            # Nobody else would notice that the thread has ended.
            except Exception as error:  # noqa: BLE001
                self._abort(error)

        # Functions and listeners see the caller's context variables.
        thread = threading.Thread(target=copy_context().run, args=(run,), daemon=True)
        thread.start()
        return thread


def _is_without_build(error: Exception) -> bool:
    """Check whether the gateway refused a call because the build is not there."""
    return isinstance(error, RemoteError) and _NO_BUILD in error.message
