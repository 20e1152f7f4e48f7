"""Connect to a BuildKit daemon and run builds on it, from asyncio or trio."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

from anyio import CancelScope, get_cancelled_exc_class

from llb._lazy import lazy_imports
from llb.arguments.checked import checked
from llb.client.aio.async_build_handle import AsyncBuildHandle, StartingBuild
from llb.client.aio.async_history import AsyncHistory
from llb.client.aio.threads import AsyncItems, call, in_thread
from llb.client.client import Client, image_lookup
from llb.client.opening import Opening
from llb.client.options import BuildOptions
from llb.errors import InvalidValueError
from llb.grpc import forks

with lazy_imports(__name__):
    from llb.client.inspection import (
        commands,  # 0.9 ms
        trees,  # 0.6 ms
    )

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    import grpc

    from llb import Network, Security
    from llb.arguments.conversions import Duration
    from llb.buildkit_names import NetworkName, ResolveMode, SecurityName
    from llb.client.builds.build_handle import BuildHandle, R_co
    from llb.client.connect.control import Info, Worker
    from llb.client.connect.sockets import Dialer
    from llb.client.connect.tls import TLS
    from llb.client.image_build.options import BuildContext, ImageBuildOptions
    from llb.client.image_build.result import ImageResult
    from llb.client.inspection.trees import Build, TreePath
    from llb.client.results import SolveResult
    from llb.client.usage import Usage
    from llb.definition.definition import Definition
    from llb.gateway import Completed, FileStat, Gateway, Request, Result
    from llb.platforms import Platform
    from llb.sources.image_resolver import ResolvedImage
    from llb.state.settings import MountValue
    from llb.state.state import State

T_ = TypeVar("T_")


class AsyncClient:
    """A connection to a BuildKit daemon, for asyncio and trio; the counterpart of :class:`Client`.

    ::

        async with AsyncClient() as client:
            result = await client.solve(state)

    Methods have the names, arguments and errors of :class:`Client`. Iterators are asynchronous.
    ``addr``, ``tls``, ``dialer`` and ``channel`` are those of :class:`Client`: the dialer is an
    ordinary function, and the channel is not one of ``grpc.aio``. The connection is opened by
    ``async with``, or by the first call. Any number of tasks may use one client.

    If the task of a call is cancelled, the call ends on the daemon. If the call is a build, the
    task first waits until it is over and its incomplete outputs are removed. Each build runs on
    threads of its own, so listeners (``on_event``) and functions are called there, not on the event
    loop. The executor of the loop is not used.
    """

    @checked
    def __init__(
        self,
        addr: str | Sequence[str] | None = None,
        *,
        tls: TLS | None = None,
        dialer: Dialer | None = None,
        channel: grpc.Channel | None = None,
    ) -> None:
        self._shared = _SharedClient(lambda: Client(addr, tls=tls, dialer=dialer, channel=channel))

    @classmethod
    @checked
    def from_client(cls, client: Client) -> Self:
        """Use the connection of a synchronous client, which may still be used itself."""
        asynchronous = cls()
        asynchronous._shared.client = client
        return asynchronous

    @classmethod
    @checked
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
        return cls.from_client(await in_thread(opening.result, opening.abandon))

    @property
    def address(self) -> str:
        """The address of the daemon. Raises InvalidValueError before the client is connected."""
        client = self._shared.client
        if client is None:
            raise InvalidValueError(
                "the client has no address before it is connected",
                hint="enter it with `async with`, or make a call",
            )
        return client.address

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
        client = self._shared.client
        if client is not None:
            await in_thread(client.close)

    @checked
    async def ping(self, *, timeout: Duration = 10.0) -> float:  # noqa: ASYNC109 - that of Client
        """Measure how many seconds the daemon takes to answer; raises ConnectError."""
        return await self._call(lambda client: client.ping(timeout=timeout))

    async def info(self) -> Info:
        """Query the daemon's version."""
        return await self._call(lambda client: client.info())

    @checked
    async def workers(self, *, filters: Iterable[str] = ()) -> tuple[Worker, ...]:
        """List the daemon's workers that pass at least one of BuildKit's ``filters``."""
        return await self._call(lambda client: client.workers(filters=filters))

    @checked
    async def disk_usage(self, *, filters: Iterable[str] = ()) -> tuple[Usage, ...]:
        """List the records of the daemon's build cache (:meth:`Client.disk_usage`)."""
        return await self._call(lambda client: client.disk_usage(filters=filters))

    @checked
    def prune(
        self,
        *,
        all: bool = False,  # noqa: A002 - buildctl's word
        filters: Iterable[str] = (),
        unused_for: Duration = 0,
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

    @checked(options=BuildOptions)
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

    @checked(options=BuildOptions)
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
    ) -> StartingBuild[SolveResult]:
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

    async def build_image(
        self, context: BuildContext, **options: Unpack[ImageBuildOptions]
    ) -> ImageResult:
        """Build the image of a Dockerfile, or of a build file (:meth:`Client.build_image`)."""
        build = await self.start_image(context, **options)
        return await build.result()

    def start_image(
        self, context: BuildContext, **options: Unpack[ImageBuildOptions]
    ) -> StartingBuild[ImageResult]:
        """Start an image build, as :meth:`start` does, and return a handle to it.

        The arguments and the errors that it raises are those of :meth:`Client.start_image`.
        """
        return StartingBuild(self._start(lambda client: client.start_image(context, **options)))

    @checked(options=BuildOptions)
    async def build(
        self,
        function: Callable[[Request, Gateway], Result],
        *,
        frontend_attrs: Mapping[str, str] | None = None,
        frontend_inputs: Mapping[str, State | Definition] | None = None,
        **options: Unpack[BuildOptions],
    ) -> SolveResult:
        """Build with a Python function as the frontend (:meth:`Client.build`).

        The function is not a coroutine: it runs on a thread.
        """
        build = await self.start(
            function=function,
            frontend_attrs=frontend_attrs,
            frontend_inputs=frontend_inputs,
            **options,
        )
        return await build.result()

    @checked(options=BuildOptions)
    async def read_file(
        self,
        tree: State | Definition,
        path: TreePath,
        *,
        offset: int = 0,
        length: int | None = None,
        platform: Platform | str | None = None,
        **options: Unpack[BuildOptions],
    ) -> bytes:
        """Build a tree and read a file of it, of any size (:meth:`Client.read_file`)."""
        return await self._inspect(
            lambda build: trees.read_file(
                build, tree, path, offset=offset, length=length, platform=platform, options=options
            )
        )

    @checked(options=BuildOptions)
    async def read_text(
        self,
        tree: State | Definition,
        path: TreePath,
        *,
        encoding: str = "utf-8",
        platform: Platform | str | None = None,
        **options: Unpack[BuildOptions],
    ) -> str:
        """Build a tree and read a file of it as text (:meth:`Client.read_text`)."""
        data = await self.read_file(tree, path, platform=platform, **options)
        return trees.decode(data, path, encoding)

    @checked(options=BuildOptions)
    async def list_dir(
        self,
        tree: State | Definition,
        path: TreePath = "/",
        *,
        pattern: str | None = None,
        platform: Platform | str | None = None,
        **options: Unpack[BuildOptions],
    ) -> tuple[FileStat, ...]:
        """Build a tree and list a directory of it (:meth:`Client.list_dir`)."""
        return await self._inspect(
            lambda build: trees.list_dir(
                build, tree, path, pattern=pattern, platform=platform, options=options
            )
        )

    @checked(options=BuildOptions)
    async def stat(
        self,
        tree: State | Definition,
        path: TreePath,
        *,
        platform: Platform | str | None = None,
        **options: Unpack[BuildOptions],
    ) -> FileStat:
        """Build a tree and get the status of a file of it (:meth:`Client.stat`)."""
        return await self._inspect(
            lambda build: trees.stat(build, tree, path, platform=platform, options=options)
        )

    @checked(options=BuildOptions)
    async def run(
        self,
        tree: State | Definition,
        command: str | Sequence[str],
        *,
        input: bytes | str | None = None,  # noqa: A002 - the word of subprocess.run
        check: bool = True,
        env: Mapping[str, str] | None = None,
        workdir: str | None = None,
        user: str | None = None,
        mounts: Iterable[MountValue] = (),
        shell: Sequence[str] | None = None,
        network: Network | NetworkName | None = None,
        security: Security | SecurityName | None = None,
        platform: Platform | str | None = None,
        **options: Unpack[BuildOptions],
    ) -> Completed:
        """Build a tree and run a process in it (:meth:`Client.run`)."""
        return await self._inspect(
            lambda build: commands.run(
                build,
                tree,
                command,
                input=input,
                check=check,
                platform=platform,
                settings={
                    "env": env,
                    "workdir": workdir,
                    "user": user,
                    "mounts": mounts,
                    "shell": shell,
                    "network": network,
                    "security": security,
                },
                options=options,
            )
        )

    @checked
    async def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: ResolveMode = "default"
    ) -> ResolvedImage:
        """Resolve the digest and config of an image through the daemon."""
        resolve, images = image_lookup(ref, platform, resolve_mode)
        await self.build(resolve)
        return images[0]

    async def _call(self, method: Callable[[Client], T_]) -> T_:
        return await call(self._connect, method)

    async def _connect(self) -> Client:
        client = self._shared.client
        return client if client is not None else await in_thread(self._shared.connect)

    async def _start(self, start: Callable[[Client], BuildHandle[R_co]]) -> AsyncBuildHandle[R_co]:
        client = await self._connect()
        begun = _BegunBuild()
        return AsyncBuildHandle(await begun.in_thread(lambda: begun.start(lambda: start(client))))

    async def _inspect(self, work: Callable[[Build], T_]) -> T_:
        """Do blocking work on a thread, with a function that runs its build."""
        client = await self._connect()
        begun = _BegunBuild()

        def build(
            function: Callable[[Request, Gateway], Result], **options: Unpack[BuildOptions]
        ) -> SolveResult:
            return begun.start(lambda: client.start(function=function, **options)).result()

        return await begun.in_thread(lambda: work(build))


class _SharedClient:
    """A synchronous client that connects once, whichever task comes first."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        self.client: Client | None = None
        self._connect = connect
        self._lock = threading.Lock()
        forks.register(self)

    def connect(self) -> Client:
        """Connect unless that has happened; raises the errors of :class:`Client`."""
        with self._lock:
            if self.client is None:
                self.client = self._connect()
            return self.client

    def after_fork(self) -> None:
        """Let go of the parent's lock in the child of a fork."""
        self._lock = threading.Lock()


class _BegunBuild:
    """A build that is started on a thread, after which nobody may be interested any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._handle: BuildHandle | None = None

    def start(self, start: Callable[[], BuildHandle[R_co]]) -> BuildHandle[R_co]:
        """Start the build; raises the errors of ``Client.start``."""
        handle = start()
        with self._lock:
            self._handle = handle
            is_cancelled = self._is_cancelled
        if is_cancelled:
            handle.cancel()
        return handle

    async def in_thread(self, work: Callable[[], T_]) -> T_:
        """Do work that calls :meth:`start` on a thread.

        If the task is cancelled, the build is cancelled, and its end is awaited.
        """
        try:
            return await in_thread(work, self._cancel)
        except get_cancelled_exc_class():
            if self._handle is not None:
                with CancelScope(shield=True):
                    await AsyncBuildHandle(self._handle)._end()
            raise

    def _cancel(self) -> None:
        """Cancel the build, now or as soon as it has started."""
        with self._lock:
            self._is_cancelled = True
            handle = self._handle
        if handle is not None:
            handle.cancel()
