"""Connect to a BuildKit daemon and run builds on it, from asyncio or trio."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

from anyio import CancelScope, get_cancelled_exc_class

from llb.client.aio.async_build_handle import AsyncBuildHandle, StartingBuild
from llb.client.aio.async_history import AsyncHistory
from llb.client.aio.threads import AsyncItems, call, in_thread
from llb.client.client import Client, image_lookup
from llb.client.opening import Opening
from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from types import TracebackType

    from llb.client.builds.build_handle import BuildHandle
    from llb.client.connect.control import Info, Worker
    from llb.client.connect.tls import TLS
    from llb.client.options import BuildOptions
    from llb.client.results import SolveResult
    from llb.client.usage import Usage
    from llb.definition.definition import Definition
    from llb.gateway import Gateway, Request, Result
    from llb.platforms import Platform
    from llb.sources.image_resolver import ResolvedImage
    from llb.state.state import State

T_ = TypeVar("T_")


class AsyncClient:
    """A connection to a BuildKit daemon, for asyncio and trio; the counterpart of :class:`Client`.

    ::

        async with AsyncClient() as client:
            result = await client.solve(state)

    Methods have the names, arguments and errors of :class:`Client`. Iterators are asynchronous.
    ``addr`` and ``tls`` are those of :class:`Client`; the connection is opened by ``async with``,
    or by the first call. Any number of tasks may use one client.

    If the task of a call is cancelled, the call ends on the daemon. If the call is a build, the
    task first waits until it is over and its incomplete outputs are removed. Each build runs on
    threads of its own, so listeners (``on_event``) and functions are called there, not on the event
    loop. The executor of the loop is not used.
    """

    def __init__(self, addr: str | None = None, *, tls: TLS | None = None) -> None:
        self._open: Callable[[], Client] = lambda: Client(addr, tls=tls)
        self._lock = threading.Lock()
        self._client: Client | None = None

    @classmethod
    def from_client(cls, client: Client) -> Self:
        """Use the connection of a synchronous client, which may still be used itself."""
        asynchronous = cls()
        asynchronous._client = client
        return asynchronous

    @classmethod
    async def any(
        cls,
        addrs: Iterable[str],
        *,
        key: str,
        platforms: Iterable[Platform | str] = (),
        tls: TLS | None = None,
    ) -> Self:
        """Connect to one of several daemons (:meth:`Client.any`)."""
        opening = Opening(
            lambda: Client.any(addrs, key=key, platforms=platforms, tls=tls), Client.close
        )
        return cls.from_client(await in_thread(opening.wait, opening.abandon))

    @property
    def address(self) -> str:
        """The address of the daemon. Raises InvalidValueError before the client is connected."""
        if self._client is None:
            raise InvalidValueError(
                "the client has no address before it is connected",
                hint="enter it with `async with`, or make a call",
            )
        return self._client.address

    async def __aenter__(self) -> Self:
        """Connect; raises ConnectError if the daemon cannot be reached."""
        await self._connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        with CancelScope(shield=True):
            await self.close()

    async def close(self) -> None:
        """Close the connection; a second call does nothing."""
        client = self._client
        if client is not None:
            await in_thread(client.close)

    async def ping(self, *, timeout: float = 10.0) -> float:  # noqa: ASYNC109 - that of Client
        """Measure how many seconds the daemon takes to answer; raises ConnectError."""
        return await self._call(lambda client: client.ping(timeout=timeout))

    async def info(self) -> Info:
        """Query the daemon's version."""
        return await self._call(lambda client: client.info())

    async def workers(self, *, filters: Iterable[str] = ()) -> tuple[Worker, ...]:
        """List the daemon's workers that pass at least one of BuildKit's ``filters``."""
        return await self._call(lambda client: client.workers(filters=filters))

    async def disk_usage(self, *, filters: Iterable[str] = ()) -> tuple[Usage, ...]:
        """List the records of the daemon's build cache (:meth:`Client.disk_usage`)."""
        return await self._call(lambda client: client.disk_usage(filters=filters))

    def prune(
        self,
        *,
        all: bool = False,  # noqa: A002 - buildctl's word
        filters: Iterable[str] = (),
        unused_for: timedelta = timedelta(0),
        reserved_space: int = 0,
        max_used_space: int = 0,
        min_free_space: int = 0,
    ) -> AsyncIterator[Usage]:
        """Remove unused build cache, and yield each removed record (:meth:`Client.prune`)."""
        return AsyncItems(
            self._connect,
            lambda client: client.prune(
                all=all,
                filters=filters,
                unused_for=unused_for,
                reserved_space=reserved_space,
                max_used_space=max_used_space,
                min_free_space=min_free_space,
            ),
        )

    def history(self) -> AsyncHistory:
        """Open the daemon's build history."""
        return AsyncHistory(self._connect)

    async def solve(
        self,
        what: State | Definition | None = None,
        *,
        frontend: str | None = None,
        frontend_attrs: Mapping[str, str] | None = None,
        frontend_inputs: Mapping[str, State | Definition] | None = None,
        image_config: bytes | None = None,
        platform: Platform | str | None = None,
        **options: Unpack[BuildOptions],
    ) -> SolveResult:
        """Build a state, a definition, or the result of a frontend (:meth:`Client.solve`)."""
        build = await self.start(
            what,
            frontend=frontend,
            frontend_attrs=frontend_attrs,
            frontend_inputs=frontend_inputs,
            image_config=image_config,
            platform=platform,
            **options,
        )
        return await build.result()

    def start(
        self,
        what: State | Definition | None = None,
        *,
        frontend: str | None = None,
        frontend_attrs: Mapping[str, str] | None = None,
        frontend_inputs: Mapping[str, State | Definition] | None = None,
        image_config: bytes | None = None,
        platform: Platform | str | None = None,
        function: Callable[[Request, Gateway], Result] | None = None,
        **options: Unpack[BuildOptions],
    ) -> StartingBuild:
        """Start a build, with ``await`` or ``async with``, and return a handle to it.

        ::

            build = await client.start(state)
            async with client.start(state) as build: ...

        The arguments and the errors that it raises are those of :meth:`Client.start`.
        """
        return StartingBuild(
            self._start(
                lambda client: client.start(
                    what,
                    frontend=frontend,
                    frontend_attrs=frontend_attrs,
                    frontend_inputs=frontend_inputs,
                    image_config=image_config,
                    platform=platform,
                    function=function,
                    **options,
                )
            )
        )

    async def build(
        self,
        function: Callable[[Request, Gateway], Result],
        *,
        frontend_attrs: Mapping[str, str] | None = None,
        **options: Unpack[BuildOptions],
    ) -> SolveResult:
        """Build with a Python function as the frontend (:meth:`Client.build`).

        The function is not a coroutine: it runs on a thread.
        """
        build = await self.start(function=function, frontend_attrs=frontend_attrs, **options)
        return await build.result()

    async def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: str = "default"
    ) -> ResolvedImage:
        """Resolve the digest and config of an image through the daemon."""
        resolve, images = image_lookup(ref, platform, resolve_mode)
        await self.build(resolve)
        return images[0]

    async def _call(self, method: Callable[[Client], T_]) -> T_:
        return await call(self._connect, method)

    async def _connect(self) -> Client:
        if self._client is not None:
            return self._client
        return await in_thread(self._shared_client)

    def _shared_client(self) -> Client:
        """Connect once, whichever task comes first."""
        with self._lock:
            if self._client is None:
                self._client = self._open()
            return self._client

    async def _start(self, start: Callable[[Client], BuildHandle]) -> AsyncBuildHandle:
        client = await self._connect()
        starting = _Starting(lambda: start(client))
        try:
            return AsyncBuildHandle(await in_thread(starting.run, starting.cancel))
        except get_cancelled_exc_class():
            if starting.handle is not None:
                with CancelScope(shield=True):
                    await AsyncBuildHandle(starting.handle)._end()
            raise


class _Starting:
    """The start of a build on a thread, after which nobody may be interested any more."""

    def __init__(self, start: Callable[[], BuildHandle]) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._is_cancelled = False
        self.handle: BuildHandle | None = None

    def run(self) -> BuildHandle:
        """Start the build; raises the errors of ``Client.start``."""
        handle = self._start()
        with self._lock:
            self.handle = handle
            is_cancelled = self._is_cancelled
        if is_cancelled:
            handle.cancel()
        return handle

    def cancel(self) -> None:
        """Cancel the build, now or as soon as it has started."""
        with self._lock:
            self._is_cancelled = True
            handle = self.handle
        if handle is not None:
            handle.cancel()
