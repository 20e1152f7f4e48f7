"""One build under way: Solve, Status and the session, side by side, and how they end."""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from attrs import field, mutable

from llb.client.connect.errors import is_of_step, lost, to_solve_error
from llb.client.progress.events import Event, Vertex, VertexLog, from_response
from llb.client.progress.raw_reports import Report, to_report
from llb.errors import CancelledError, InputError, LLBError, RemoteError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llb._pb import control_pb2 as pb
    from llb.client.connect.calls import Answers
    from llb.client.connect.control import Control
    from llb.client.connect.routes import Metadata
    from llb.client.export.outputs import Output
    from llb.client.export.receivers import Receivers
    from llb.client.session.session import Session

T_ = TypeVar("T_")

_KEPT_LINES = 200
# Of a line, which may have no end.
_KEPT_BYTES = 16 * 1024
# A daemon ends the stream of events soon after the build. One that sends nothing for this long
# is not waited for; neither is a function whose build failed, and which may raise the reason.
_STATUS_SECONDS = 5.0
# One that refused a build at once has nothing to tell, and does not end it before that.
_SILENT_SECONDS = 1.0
_SESSION_SECONDS = 5.0
# The end of a tree may still be on its way when the daemon says that the build succeeded.
_TRANSFER_SECONDS = 30.0


@mutable
class _Record:
    """What is kept of the events, to explain a failure."""

    names: dict[str, str] = field(factory=dict)
    logs: dict[str, deque[bytes]] = field(factory=dict)

    def add(self, event: Event) -> None:
        match event:
            case Vertex():
                self.names[event.digest] = event.name
            case VertexLog():
                lines = self.logs.setdefault(event.vertex, deque([b""], maxlen=_KEPT_LINES))
                first, *rest = event.data.split(b"\n")
                lines[-1] = (lines[-1] + first)[-_KEPT_BYTES:]
                lines.extend(line[-_KEPT_BYTES:] for line in rest[-_KEPT_LINES:])

    def log_of(self, digest: str) -> tuple[str, ...]:
        lines = [line.rstrip(b"\r").decode(errors="replace") for line in self.logs.get(digest, ())]
        return tuple(lines[:-1] if lines and not lines[-1] else lines)


class Solving:
    """A build on a daemon, with the session that serves it and what it leaves on the client.

    While it runs, receivers may be added.
    """

    def __init__(
        self,
        control: Control,
        session: Session,
        receivers: Receivers,
        outputs: Iterable[Output],
        on_event: Callable[[Event], None] | None,
        on_report: Callable[[Report], None] | None = None,
    ) -> None:
        self._control = control
        self._session = session
        self._receivers = receivers
        self._outputs = (receivers, *outputs)
        self._on_event = on_event
        self._on_report = on_report
        self._record = _Record()
        # When the last events arrived.
        self._last_events = 0.0
        self._status: Answers[pb.StatusResponse] | None = None
        self._answer: Answers[pb.SolveResponse] | None = None
        self._broken: Exception | None = None
        self._raised_beside: LLBError | None = None

    def run(
        self,
        request: pb.SolveRequest,
        timeout: float | None,
        beside: Callable[[str], None] | None = None,
        metadata: Metadata = (),
    ) -> pb.SolveResponse:
        """Send the request and return the answer; raises what ``Client.solve`` does.

        ``beside`` works meanwhile on a thread of its own, and is told the name of the
        build; what it raises ends the build and is raised here. ``metadata`` goes with the
        request.
        """
        self._session.open(self._control.open_session)
        serving = self._thread(self._serve)
        try:
            response = self._build(request, timeout, beside, metadata)
            self._receivers.check_complete(_TRANSFER_SECONDS)
            # A daemon that is still served could read what its own export changes on the client.
            self._end_session(serving)
            self._commit(response.ExporterResponse)
        finally:
            self._end_session(serving)
            for output in self._outputs:
                output.abort()
        return response

    def _build(
        self,
        request: pb.SolveRequest,
        timeout: float | None,
        beside: Callable[[str], None] | None,
        metadata: Metadata,
    ) -> pb.SolveResponse:
        following = self._thread(lambda: self._follow(request.Ref))
        working = None if beside is None else self._thread(lambda: self._work(beside, request.Ref))
        try:
            response = self._wait(request, timeout, metadata)
            self._await_events(following, _STATUS_SECONDS)
            if self._broken is not None:
                raise self._broken
        except LLBError as error:
            # A step that failed has events, even if none has arrived yet.
            has_events = bool(self._record.names) or is_of_step(error)
            self._await_events(following, _STATUS_SECONDS if has_events else _SILENT_SECONDS)
            if working is not None and isinstance(error, RemoteError):
                # The daemon may tell of an error before the thread that raised it does.
                working.join(_STATUS_SECONDS)
            raise self._explained(self._raised_beside or error) from error
        finally:
            if self._status is not None:
                self._status.cancel()
        return response

    def _end_session(self, serving: threading.Thread) -> None:
        self._session.close()
        serving.join(_SESSION_SECONDS)

    def _wait(
        self, request: pb.SolveRequest, timeout: float | None, metadata: Metadata
    ) -> pb.SolveResponse:
        self._answer = answer = self._control.solve(request, timeout, metadata)
        try:
            if self._broken is not None:
                raise self._broken
            return answer.only()
        except CancelledError as error:
            raise self._broken or error from error
        finally:
            # On an interrupt this is what ends the build on the daemon.
            answer.cancel()

    def _commit(self, answers: Mapping[str, str]) -> None:
        try:
            for output in self._outputs:
                output.commit(answers)
        except OSError as error:
            place = error.filename2 or error.filename
            raise InputError(f"cannot write the output {place}: {error.strerror}") from error

    def _explained(self, error: LLBError) -> LLBError:
        """Return the error that says most: our own failure before the daemon's echo of it."""
        if self._session.failures:
            return self._session.failures[0]
        # An error of another type is the caller's own.
        if type(error) is RemoteError:
            return to_solve_error(error, self._record.names.get, self._record.log_of)
        return error

    def _serve(self) -> None:
        try:
            self._session.serve()
        except TransportError as error:
            # Nothing else notices a network that goes silent.
            self._break(lost(self._control.address, error.message))

    def _work(self, beside: Callable[[str], None], ref: str) -> None:
        try:
            beside(ref)
        # The caller's own error, whatever it is, belongs to the caller of build().
        except Exception as error:  # noqa: BLE001
            if isinstance(error, LLBError) and not isinstance(error, TransportError):
                self._raised_beside = error
            self._break(error)

    def _follow(self, ref: str) -> None:
        self._status = self._control.status(ref)
        for response in self._status:
            try:
                self._take(response)
            except TransportError as error:
                self._break(error)
                return
            self._last_events = monotonic()

    def _await_events(self, following: threading.Thread, seconds: float) -> None:
        """Wait for the end of the events, or for a number of seconds without any."""
        begun = monotonic()
        while following.is_alive():
            left = max(begun, self._last_events) + seconds - monotonic()
            if left <= 0:
                return
            following.join(left)

    def _take(self, response: pb.StatusResponse) -> None:
        if self._on_report is not None:
            self._tell(self._on_report, to_report(response))
        for event in from_response(response):
            self._record.add(event)
            if self._on_event is not None:
                self._tell(self._on_event, event)

    def _tell(self, listener: Callable[[T_], None], what: T_) -> None:
        try:
            listener(what)
        # The caller's own error, whatever it is, belongs to the caller of solve().
        except Exception as error:  # noqa: BLE001
            self._on_event = self._on_report = None
            self._break(error)

    def _break(self, error: Exception) -> None:
        """End the build with an error of a thread."""
        self._broken = self._broken or error
        if self._answer is not None:
            self._answer.cancel()

    def _thread(self, work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            # Whatever breaks here breaks the build too, which reports it.
            try:
                work()
            except LLBError:
                return

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread
