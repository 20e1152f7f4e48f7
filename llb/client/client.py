"""Connect to a BuildKit daemon, run builds on it, and query or prune its cache."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Self, Unpack

from llb._lazy import lazy_imports
from llb._pb import control_pb2 as pb
from llb.client.builds.build_handle import BuildHandle
from llb.client.builds.daemon_capabilities import DaemonCapabilities
from llb.client.builds.event_buffer import EventBuffer
from llb.client.builds.prepared_build import PreparedBuild
from llb.client.builds.subject import Subject
from llb.client.connect import address as addresses
from llb.client.connect.control import Control, Info, Worker
from llb.client.connect.fleet import ranked, reach
from llb.client.connect.routes import to_route
from llb.gateway import Gateway, Request, Result
from llb.platforms import to_platform
from llb.reference import Reference

with lazy_imports(__name__):
    from llb.client import history as build_history  # 6 ms
    from llb.client.connect import retry  # 2 ms
    from llb.client.daemon import private as daemon  # 9 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType

    from llb.client.connect.tls import TLS
    from llb.client.history import History
    from llb.client.options import BuildOptions
    from llb.client.results import SolveResult
    from llb.client.usage import Usage
    from llb.definition.definition import Definition
    from llb.grpc import Pipe
    from llb.platforms import Platform
    from llb.sources.image_resolver import ResolvedImage
    from llb.state.state import State


class Client:
    """A connection to a BuildKit daemon, and the builds run on it.

    ``addr`` is one of:

    - ``unix://PATH`` or ``tcp://HOST:PORT``, a socket of the daemon;
    - ``docker-container://NAME``, ``podman-container://NAME``, ``nerdctl-container://NAME``,
      ``kube-pod://NAME`` or ``ssh://HOST``, where ``buildctl dial-stdio`` provides the connection
      (docs/connections.md);
    - ``docker://``, the BuildKit inside Docker.

    The default is ``BUILDKIT_HOST``, then the default sockets, then a private daemon, which is
    started if buildkitd is installed. ``tls`` holds the certificates for a ``tcp://`` daemon that
    requires TLS. Raises ConnectError if no daemon can be reached.
    """

    def __init__(self, addr: str | None = None, *, tls: TLS | None = None) -> None:
        self.address = (
            addresses.explicit_address(addr) or addresses.default_socket() or _private_daemon()
        )
        self._control = Control(to_route(self.address, tls))
        self._capabilities = DaemonCapabilities()

    @classmethod
    def any(
        cls,
        addrs: Iterable[str],
        *,
        key: str,
        platforms: Iterable[Platform | str] = (),
        tls: TLS | None = None,
    ) -> Self:
        """Connect to one of several daemons, always to the same one for the same key.

        The daemon is chosen by consistent hashing: while it cannot be reached, the next one in the
        key's order is used, and adding or removing an address moves only the keys that this
        address gains or loses. With ``platforms``, daemons that run on these platforms come first,
        then those that emulate them, then all others, because not every build runs steps. Raises
        ConnectError if no daemon can be reached.
        """
        return reach(
            ranked(addrs, key),
            lambda addr: cls(addr, tls=tls),
            platforms=tuple(map(to_platform, platforms)),
        )

    def ping(self, *, timeout: float = 10.0) -> float:
        """Measure how many seconds the daemon takes to answer; raises ConnectError."""
        start = time.monotonic()
        self._control.ping(timeout)
        return time.monotonic() - start

    def __enter__(self) -> Self:
        """Enter the context, which closes the connection at its end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._control.close()

    def dial(self) -> Pipe:
        """Open another connection to the control API, as a pipe of bytes; raises ConnectError."""
        return self._control.connect()

    def info(self) -> Info:
        """Query the daemon's version."""
        return self._control.info()

    def workers(self, *, filters: Iterable[str] = ()) -> tuple[Worker, ...]:
        """List the daemon's workers that pass at least one of BuildKit's ``filters``."""
        return self._control.workers(filters)

    def disk_usage(self, *, filters: Iterable[str] = ()) -> tuple[Usage, ...]:
        """List the records of the daemon's build cache.

        ``filters`` are BuildKit's, such as ``type==regular`` or ``id~=abc``; a record must pass
        all of them.
        """
        return self._control.disk_usage(filters)

    def prune(
        self,
        *,
        all: bool = False,  # noqa: A002 - buildctl's word
        filters: Iterable[str] = (),
        unused_for: timedelta = timedelta(0),
        reserved_space: int = 0,
        max_used_space: int = 0,
        min_free_space: int = 0,
    ) -> Iterator[Usage]:
        """Remove unused build cache, and yield each removed record.

        ``all`` includes the records behind images and frontends. Records used within
        ``unused_for`` are kept. Sizes are in bytes, and 0 means no limit: at least
        ``reserved_space`` is kept; cache beyond ``max_used_space`` is removed, and more as long
        as less than ``min_free_space`` of the disk is free.
        """
        return self._control.prune(
            pb.PruneRequest(
                all=all,
                filter=filters,
                keepDuration=round(unused_for.total_seconds() * 1e9),
                reservedSpace=reserved_space,
                maxUsedSpace=max_used_space,
                minFreeSpace=min_free_space,
            )
        )

    def history(self) -> History:
        """Open the daemon's build history."""
        return build_history.History(self._control)

    def solve(
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
        """Build a state, a definition, or the result of a frontend.

        ``frontend_attrs`` and ``frontend_inputs`` are the attributes and inputs of the frontend. An
        image built from a state gets the state's image config; for a definition, pass it as
        ``image_config`` in JSON. ``platform`` applies to the steps of a state that name none; for a
        frontend, use its attribute ``platform``. All further options are :class:`BuildOptions`.

        Raises SolveError if the build fails, InputError for an unusable local directory, secret,
        agent or destination, CancelledError after the timeout, TransportError if the connection
        breaks, and CapabilityError if the daemon is too old for a step. A failed build leaves
        nothing at its destinations. An interrupt (KeyboardInterrupt) cancels the build.

        This is :meth:`start` and :meth:`BuildHandle.result` in one.
        """
        subject = Subject(
            what, frontend, frontend_attrs or {}, frontend_inputs or {}, image_config, platform
        )
        return self._start(subject, options, has_reader=False).result()

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
    ) -> BuildHandle:
        """Start a build on a thread of its own, and return a handle to follow or cancel it.

        The arguments are those of :meth:`solve`, or the ``function`` of :meth:`build`. Errors in
        them, InvalidValueError and InputError, are raised here; everything that the daemon answers
        is raised by :meth:`BuildHandle.result`. The thread runs in a copy of the caller's context
        variables. The ``timeout`` of the options cancels the build.
        """
        subject = Subject(
            what,
            frontend,
            frontend_attrs or {},
            frontend_inputs or {},
            image_config,
            platform,
            function,
        )
        return self._start(subject, options, has_reader=True)

    def build(
        self,
        function: Callable[[Request, Gateway], Result],
        *,
        frontend_attrs: Mapping[str, str] | None = None,
        **options: Unpack[BuildOptions],
    ) -> SolveResult:
        """Build with a Python function as the frontend, which runs in this process.

        ``function`` receives a request, with ``frontend_attrs`` as its options, and a gateway to
        the daemon; the build has its result. The same function can be served from an image
        (:func:`llb.gateway.serve`). Raises the exceptions of the function and those of
        :meth:`solve`.
        """
        subject = Subject(function=function, frontend_attrs=frontend_attrs or {})
        return self._start(subject, options, has_reader=False).result()

    def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: str = "default"
    ) -> ResolvedImage:
        """Resolve the digest and config of an image through the daemon.

        This makes a client usable as the ``resolver`` of :func:`llb.Image`.
        """
        resolve, images = image_lookup(ref, platform, resolve_mode)
        self.build(resolve)
        return images[0]

    def _start(self, subject: Subject, options: BuildOptions, *, has_reader: bool) -> BuildHandle:
        events = EventBuffer()
        on_event = events.put if has_reader else None
        build = PreparedBuild(self._control, self._capabilities, subject, options, on_event)
        try:
            # A program does not wait at its end for solve() on one of its daemon threads.
            return BuildHandle(build, events, daemon=False if has_reader else None)
        except BaseException:
            build.close()
            raise


def image_lookup(
    ref: str, platform: Platform | None, resolve_mode: str
) -> tuple[Callable[[Request, Gateway], Result], list[ResolvedImage]]:
    """Make a function for :meth:`Client.build` that adds the resolved image to the list."""
    images: list[ResolvedImage] = []
    # Old daemons accept only full image names.
    full = str(Reference.parse(ref).tagged())

    def resolve(_: Request, gateway: Gateway) -> Result:
        images.append(
            gateway.resolve_image_config(full, platform=platform, resolve_mode=resolve_mode)
        )
        return Result()

    return resolve, images


def wait_for_ready(
    addr: str | None = None, *, timeout: float = 60.0, tls: TLS | None = None
) -> Client:
    """Connect to a daemon that may still be starting.

    Attempts are repeated with growing pauses for ``timeout`` seconds. Raises the last
    ConnectError after the timeout; any other error is raised at once.
    """
    return retry.retried(lambda: Client(addr, tls=tls), timeout)


def _private_daemon() -> str:

    return daemon.start()
