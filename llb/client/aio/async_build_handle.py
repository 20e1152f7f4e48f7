"""A handle to a running build, for asyncio and trio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Self

from anyio import CancelScope, Event, get_cancelled_exc_class, move_on_after
from anyio.lowlevel import checkpoint

from llb.arguments.checked import checked
from llb.arguments.conversions import Duration, to_seconds
from llb.client.aio.threads import poster
from llb.client.builds.build_handle import R_co

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator
    from types import TracebackType
    from typing import Any

    from llb.client.builds.build_handle import BuildHandle
    from llb.client.builds.event_buffer import EventBuffer
    from llb.client.progress.events import Event as BuildEvent


class AsyncBuildHandle(Generic[R_co]):
    """A running build (:meth:`AsyncClient.start`); the counterpart of :class:`BuildHandle`.

    ::

        async with client.start(state) as build:
            async for event in build:
                print(event)
            result = await build.result()

    Leaving the block because of an exception, which includes the cancellation of the task, cancels
    the build and waits for its end. Leaving it in order waits for the build, and raises its error
    unless :meth:`result` has raised it.
    """

    def __init__(self, handle: BuildHandle[R_co]) -> None:
        self._handle = handle

    @property
    def ref(self) -> str:
        """The name of the build in the history of the daemon."""
        return self._handle.ref

    @property
    def is_done(self) -> bool:
        """Whether the build is over: succeeded, failed, or cancelled."""
        return self._handle.is_done

    def __aiter__(self) -> AsyncIterator[BuildEvent]:
        """Yield the events of the build, by the rules of :meth:`BuildHandle.__iter__`.

        A task that is cancelled while it iterates does not cancel the build by that alone.
        """
        self._handle._events.claim()
        return _AsyncEvents(self._handle._events)

    @checked
    async def result(self, timeout: Duration | None = None) -> R_co:  # noqa: ASYNC109 - it does not cancel the build
        """Wait for the end of the build, and return its result or raise its error.

        The errors are those of :meth:`BuildHandle.result`. If the waiting task is cancelled, the
        build is cancelled, and its end is awaited. After the ``timeout``, seconds or a timedelta,
        TimeoutError is raised instead, and the build goes on.
        """
        self._handle._events.stop_keeping()
        seconds = None if timeout is None else to_seconds(timeout)
        await self._end_or_cancel(seconds)
        if seconds is not None and not self.is_done:
            raise self._handle._timeout_error(seconds)
        return self._handle.result()

    def cancel(self) -> None:
        """Cancel this build without waiting for its end; see :meth:`BuildHandle.cancel`."""
        self._handle.cancel()

    async def __aenter__(self) -> Self:
        """Enter the context, at whose end the build is over."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the build, after cancelling it in case of an exception."""
        if kind is not None:
            self.cancel()
            with CancelScope(shield=True):
                await self._end()
        else:
            await self._end_or_cancel()
        self._handle.__exit__(kind, error, trace)

    def __repr__(self) -> str:
        """Show the ref, and whether the build is over."""
        return f"<AsyncBuildHandle {self.ref} {'over' if self.is_done else 'running'}>"

    async def _end_or_cancel(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Wait for the end of the build; cancel it if the task is cancelled, not on a timeout."""
        try:
            with move_on_after(timeout):
                await self._end()
        except get_cancelled_exc_class():
            self.cancel()
            with CancelScope(shield=True):
                await self._end()
            raise

    async def _end(self) -> None:
        if not self.is_done:
            await _called(self._handle._call_when_over)


class StartingBuild(Generic[R_co]):
    """A build that starts when it is awaited, or entered with ``async with``."""

    def __init__(self, starting: Coroutine[Any, Any, AsyncBuildHandle[R_co]]) -> None:
        self._starting = starting
        self._build: AsyncBuildHandle[R_co] | None = None

    def __await__(self) -> Generator[Any, Any, AsyncBuildHandle[R_co]]:
        """Start the build, and return its handle; raises the errors of ``Client.start``."""
        return self._starting.__await__()

    async def __aenter__(self) -> AsyncBuildHandle[R_co]:
        """Start the build, and enter the context of its handle."""
        self._build = await self._starting
        return self._build

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the context of the handle."""
        assert self._build is not None
        await self._build.__aexit__(kind, error, trace)


class _AsyncEvents:
    """An iteration over the events of a build."""

    def __init__(self, events: EventBuffer) -> None:
        self._events = events

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> BuildEvent:
        # A build with much output must not occupy the event loop.
        await checkpoint()
        while True:
            event = self._events.take()
            if event is not None:
                return event
            if self._events.is_over:
                raise StopAsyncIteration
            await _called(self._events.when_ready)


async def _called(call_later: Callable[[Callable[[], None]], None]) -> None:
    """Wait until a callback is called, on whatever thread."""
    is_called, post = Event(), poster()
    call_later(lambda: post(is_called.set))
    await is_called.wait()
