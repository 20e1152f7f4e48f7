"""A handle to a running build: follow its events, wait for its result, cancel it."""

from __future__ import annotations

import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, Generic, Protocol, Self

from llb._lazy import lazy_imports
from llb.arguments.checked import checked
from llb.arguments.conversions import Duration, to_seconds
from llb.errors import CancelledError
from llb.grpc import forks

with lazy_imports(__name__):
    import logging  # 0.0 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from typing_extensions import TypeVar

    from llb.client.builds.event_buffer import EventBuffer
    from llb.client.progress.events import Event
    from llb.client.results import SolveResult

    R_co = TypeVar("R_co", bound=SolveResult, default=SolveResult, covariant=True)
else:
    from typing import TypeVar

    R_co = TypeVar("R_co", covariant=True)
T_ = TypeVar("T_")


class Build(Protocol):
    """A build that is ready to run."""

    @property
    def ref(self) -> str:
        """The name of the build in the history of the daemon."""

    def run(self) -> SolveResult:
        """Run the build, once; raises the errors of ``Client.solve``."""

    def cancel(self) -> None:
        """End the build with CancelledError, from any thread, without waiting."""


class BuildHandle(Generic[R_co]):
    """A build that runs on a thread of its own (:meth:`Client.start`).

    Any thread may use it::

        with client.start(state) as build:
            for event in build:
                print(event)
            result = build.result()

    Leaving the ``with`` block because of an exception cancels the build. Leaving it in order waits
    for the build, and raises its error unless :meth:`result` has raised it. Either way, the build
    is over afterwards.

    A build belongs to the process that has started it: in the child of a fork it counts as over,
    and :meth:`result` raises TransportError.

    A build does not need its handle: without one it goes on, and the program waits for it at its
    end. If it fails and nobody has asked for its result, the error is logged under ``llb.client``.
    """

    def __init__(
        self,
        build: Build,
        events: EventBuffer,
        to_result: Callable[[SolveResult], R_co],
        *,
        daemon: bool | None = False,
    ) -> None:
        self._build = build
        self._events = events
        self._to_result = to_result
        self._outcome: _Outcome[R_co] = _Outcome()
        self._has_told = False
        thread = threading.Thread(
            target=copy_context().run,
            args=(self._run,),
            name=f"build {build.ref}",
            daemon=daemon,
        )
        thread.start()

    @property
    def ref(self) -> str:
        """The name of the build in the history of the daemon."""
        return self._build.ref

    @property
    def is_done(self) -> bool:
        """Whether the build is over: succeeded, failed, or cancelled."""
        return self._outcome.is_known.is_set()

    def __iter__(self) -> Iterator[Event]:
        """Yield the events of the build as they come, from the first one on, until it is over.

        The error of the build is raised by :meth:`result`, not here. Several iterations share the
        events: each is yielded once. The handle keeps up to 64 MiB of events that were not yielded
        yet; beyond that it drops the oldest, and yields a :class:`VertexWarning` with their number.
        Raises InvalidValueError if :meth:`result` was called before an iteration began, because
        then no events are kept.
        """
        return iter(self._events)

    @checked
    def result(self, timeout: Duration | None = None) -> R_co:
        """Wait for the end of the build, and return its result or raise its error.

        The errors are those of :meth:`Client.solve`, and CancelledError after :meth:`cancel`.
        Raises TimeoutError after the ``timeout``, seconds or a timedelta; the build goes on.
        KeyboardInterrupt, or any other exception of a signal handler, cancels the build.
        """
        self._events.stop_keeping()
        seconds = None if timeout is None else to_seconds(timeout)
        try:
            is_over = self._outcome.is_known.wait(seconds)
        except BaseException:
            self.cancel()
            self._outcome.is_known.wait()
            raise
        if not is_over:
            raise self._timeout_error(seconds or 0)
        self._has_told = True
        return self._outcome.get()

    def cancel(self) -> None:
        """Cancel this build, from any thread, without waiting for its end.

        The daemon stops its steps, :meth:`result` raises CancelledError, and nothing remains at
        the destinations of the exports. The gateway calls of a function raise CancelledError, too.
        Does nothing if the build is over, or is already putting its results in place.
        """
        if not self.is_done:
            self._build.cancel()

    def __enter__(self) -> Self:
        """Enter the context, at whose end the build is over."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the build, after cancelling it in case of an exception."""
        if kind is None and not self._has_told:
            self.result()
            return
        if kind is not None:
            self.cancel()
            self._has_told = True
        self._outcome.is_known.wait()

    def __del__(self) -> None:
        """Log the error of a build that nobody has asked for; its thread kept the handle alive."""
        outcome = getattr(self, "_outcome", None)
        if outcome is None or outcome.error is None or self._has_told:
            return
        error = outcome.error
        if not isinstance(error, CancelledError | forks.ForkedError):
            logging.getLogger("llb.client").error("build %s failed: %s", self.ref, error)

    def _timeout_error(self, timeout: float) -> TimeoutError:
        return TimeoutError(f"the build {self.ref} is still running after {timeout:g} s")

    def _call_when_over(self, callback: Callable[[], None]) -> None:
        """Call a function after the end of the build, on any thread."""
        self._outcome.call_when_known(callback)

    def _run(self) -> None:
        try:
            callbacks = self._outcome.set(self._to_result(self._build.run()), None)
        # The thread that waits for the result raises it, whatever it is.
        except BaseException as error:  # noqa: BLE001
            callbacks = self._outcome.set(None, error)
        self._events.close()
        for callback in callbacks:
            callback()

    def __repr__(self) -> str:
        """Show the ref, and whether the build is over."""
        return f"<BuildHandle {self.ref} {'over' if self.is_done else 'running'}>"


class _Outcome(Generic[T_]):
    """The result of a build or its error, once it is known.

    In the child of a fork, where no thread runs the build, the outcome is an error.
    """

    def __init__(self) -> None:
        self.is_known = threading.Event()
        self.error: BaseException | None = None
        self._result: T_ | None = None
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        forks.register(self)

    def get(self) -> T_:
        """Return the known result, or raise the error."""
        if self.error is not None:
            raise self.error
        assert self._result is not None
        return self._result

    def set(
        self,
        result: T_ | None,
        error: BaseException | None,
    ) -> list[Callable[[], None]]:
        """Make the outcome known, and return the functions to call."""
        with self._lock:
            self._result, self.error = result, error
            self.is_known.set()
            callbacks, self._callbacks = self._callbacks, []
        return callbacks

    def call_when_known(self, callback: Callable[[], None]) -> None:
        """Call a function once the outcome is known, on any thread."""
        with self._lock:
            if not self.is_known.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def after_fork(self) -> None:
        """End the wait in the child of a fork."""
        is_known = self.is_known.is_set()
        self.is_known = threading.Event()
        self.is_known.set()
        self._lock = threading.Lock()
        self._callbacks = []
        if not is_known:
            self.error = forks.ForkedError()
