"""The public client: a connection to a daemon, and builds on it."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Self, Unpack

from llb import caps
from llb._pb import control_pb2 as pb
from llb.buildkit_names import EXPORTER_IMAGE_CONFIG_KEY
from llb.client.build_request import Building
from llb.client.connect import address as addresses
from llb.client.connect.control import Control, Info, Worker
from llb.client.connect.fleet import ranked, reach
from llb.client.connect.routes import to_route
from llb.client.session.local_inputs import check_layouts, check_locals
from llb.definition.definition import Definition
from llb.errors import InvalidValueError, RemoteError
from llb.gateway import Gateway, Request, Result, answer
from llb.platforms import to_platform
from llb.reference import Reference
from llb.state.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from types import TracebackType

    from llb.client.connect.tls import TLS
    from llb.client.history import History
    from llb.client.options import BuildOptions
    from llb.client.results import SolveResult
    from llb.client.usage import Usage
    from llb.grpc import Pipe
    from llb.platforms import Platform
    from llb.sources.image_resolver import ResolvedImage

# How a call to the gateway says which build it belongs to (client/buildid).
_BUILD_ID = "buildkit-controlapi-buildid"
_SILENT = "v0.10.0"


class Client:
    """A connection to a BuildKit.

    ``addr`` is ``unix://PATH`` or ``tcp://HOST:PORT``; ``docker-container://NAME``,
    ``podman-container://NAME``, ``nerdctl-container://NAME``, ``kube-pod://NAME`` or
    ``ssh://HOST``, where buildctl is asked for the connection (docs/connections.md); or
    ``docker://`` for the BuildKit of Docker. Without it ``BUILDKIT_HOST``
    is used, then the default sockets, then a private daemon that is started when
    buildkitd is installed. ``tls`` is for a daemon at ``tcp://`` that asks for it. Raises
    ConnectError where none of these is there.
    """

    def __init__(self, addr: str | None = None, *, tls: TLS | None = None) -> None:
        self.address = addresses.named(addr) or addresses.default_socket() or _private_daemon()
        self._control = Control(to_route(self.address, tls))
        self._version: str | None = None

    @classmethod
    def any(
        cls,
        addrs: Iterable[str],
        *,
        key: str,
        platforms: Iterable[Platform | str] = (),
        tls: TLS | None = None,
    ) -> Self:
        """Return a client of one of several daemons: always the same one for a key.

        The next in the key's order takes its place while it cannot be reached, and when an
        address is added or goes away, only the keys that it wins or had move. With
        ``platforms`` those come first whose own platform it is, then those that can emulate
        it, then the rest, as not every build runs steps. Raises ConnectError where none
        can be reached.
        """
        return reach(
            ranked(addrs, key),
            lambda addr: cls(addr, tls=tls),
            platforms=tuple(map(to_platform, platforms)),
        )

    def ping(self, *, timeout: float = 10.0) -> float:
        """Return how many seconds the daemon takes to answer; raises ConnectError."""
        begun = time.monotonic()
        self._control.ping(timeout)
        return time.monotonic() - begun

    def __enter__(self) -> Self:
        """Return the client itself."""
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
        """Return a further connection for the control API, as bytes; raises ConnectError."""
        return self._control.connect()

    def info(self) -> Info:
        """Return which BuildKit this is."""
        return self._control.info()

    def workers(self, *, filters: Iterable[str] = ()) -> tuple[Worker, ...]:
        """Return what in the daemon runs steps, and passes one of BuildKit's ``filters``."""
        return self._control.workers(filters)

    def disk_usage(self, *, filters: Iterable[str] = ()) -> tuple[Usage, ...]:
        """Return what the daemon keeps in its cache.

        ``filters`` are BuildKit's, such as ``type==regular`` or ``id~=abc``; a record has to
        pass all of them.
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
        """Throw away what no build uses, and yield each record as it goes.

        With ``all`` that includes what images and frontends are made of. Records that were
        used within ``unused_for`` stay. The sizes are in bytes, 0 for no such bound: at
        least ``reserved_space`` is kept; beyond ``max_used_space`` and below
        ``min_free_space`` of the disk is thrown away.
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
        """Return the builds that the daemon remembers."""
        # It takes 2 ms to import, and no build looks back.
        from llb.client.history import History  # noqa: PLC0415

        return History(self._control)

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
        """Build a state, a definition, or what a frontend makes of its attributes and inputs.

        An image that is made of a state gets the state's image config; of a definition,
        ``image_config`` in JSON. ``platform`` is that of steps of a state which name none;
        a frontend has an attribute for it. The rest are :class:`BuildOptions`.

        Raises SolveError when the build fails, InputError for a local directory, a
        secret, an agent or a destination that cannot be used, CancelledError when the
        time is over, TransportError when the connection breaks, and CapabilityError
        when the daemon is too old for a step. Nothing of a failed build is left where
        its results were to go.
        """
        if (what is None) == (frontend is None):
            raise InvalidValueError("solve() takes a state, a definition, or a frontend")
        if platform is not None and not isinstance(what, State):
            raise InvalidValueError(
                "solve() takes a platform only with a state",
                hint="a definition has one in each step; for a frontend it is the attribute "
                "platform",
            )
        with Building(self._control, options) as build:
            if isinstance(what, State):
                image_config = what.image_config(platform=platform)
                what = what.marshal(platform=platform, local_unique_id=build.session.id)
            self._check_capabilities(build.capabilities)
            request = build.request(image_config)
            if what is not None:
                check_locals(what, options.get("local_dirs", {}))
                check_layouts(what, options.get("oci_layouts", {}))
                self._check_capabilities(caps.needed(what))
                if image_config is not None and build.is_image_of_docker:
                    return self._solve_for_docker(build, what, image_config)
                request.Definition.CopyFrom(what.to_pb())
            if frontend is not None:
                request.Frontend = frontend
                request.FrontendAttrs.update({**(frontend_attrs or {}), **build.cache_attrs})
                for name, each in (frontend_inputs or {}).items():
                    given = each if isinstance(each, Definition) else each.marshal()
                    self._check_capabilities(caps.needed(given))
                    request.FrontendInputs[name].CopyFrom(given.to_pb())
            return build.run(request)

    def build(
        self,
        function: Callable[[Request, Gateway], Result],
        *,
        frontend_attrs: Mapping[str, str] | None = None,
        **options: Unpack[BuildOptions],
    ) -> SolveResult:
        """Build what a function returns that acts as a frontend, in this process.

        It is given a request with ``frontend_attrs`` as its options, and a gateway to ask
        the daemon with; the same function can be served from an image
        (:func:`llb.gateway.serve`). Raises what the function raises, and what
        :meth:`solve` does.
        """
        with Building(self._control, options) as build:
            self._check_capabilities(build.capabilities)
            return self._run(build, function, frontend_attrs or {})

    def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: str = "default"
    ) -> ResolvedImage:
        """Return digest and config of an image, as the daemon finds it in its registry.

        A client is thereby the ``resolver`` of :func:`llb.Image`.
        """
        found: list[ResolvedImage] = []
        # An old daemon knows images by their full names alone.
        full = str(Reference.parse(ref).tagged())

        def resolve(_: Request, gateway: Gateway) -> Result:
            found.append(
                gateway.resolve_image_config(full, platform=platform, resolve_mode=resolve_mode)
            )
            return Result()

        self.build(resolve)
        return found[0]

    def _solve_for_docker(
        self, build: Building, definition: Definition, image_config: bytes
    ) -> SolveResult:
        """Build an image whose config comes with the result.

        The exporter of an old Docker does not read it from its own attributes.
        """
        metadata = {EXPORTER_IMAGE_CONFIG_KEY: image_config}

        def solved(_: Request, gateway: Gateway) -> Result:
            return Result(gateway.solve(definition), metadata=metadata)

        return self._run(build, solved, {})

    def _run(
        self,
        build: Building,
        function: Callable[[Request, Gateway], Result],
        attrs: Mapping[str, str],
    ) -> SolveResult:
        """Build what a function returns."""
        asked = Request(
            options={**attrs, **build.cache_attrs},
            session_id=build.session.id,
            platforms=self.workers()[0].platforms,
        )
        request = build.request(None)
        request.FrontendAttrs.update(asked.options)
        return build.run(request, lambda ref: self._answer(function, asked, ref))

    def _answer(
        self, function: Callable[[Request, Gateway], Result], request: Request, ref: str
    ) -> None:
        """Be the frontend of the build ``ref``, over a connection of its own."""
        channel = self._control.channel()
        try:
            error = answer(function, request, Gateway(channel, metadata=((_BUILD_ID, ref),)))
            if error is not None:
                raise error
        finally:
            channel.close()

    def _check_capabilities(self, wanted: Collection[str]) -> None:
        """Raise CapabilityError where the daemon is too old for a capability."""
        if not wanted:
            return
        if self._version is None:
            try:
                self._version = self.info().version
            except RemoteError:
                self._version = ""
        # What cannot tell its version is older than the first release that can.
        offered = caps.of_version(self._version or _SILENT)
        if offered is not None:
            named = f"BuildKit {self._version}" if self._version else "a BuildKit before v0.11"
            caps.require(wanted, offered, named)


def wait_for_ready(
    addr: str | None = None, *, timeout: float = 60.0, tls: TLS | None = None
) -> Client:
    """Return a client of a daemon that may still have to come up.

    It is asked again and again, ever less often, for ``timeout`` seconds. Raises the last
    ConnectError when that is over, and at once what waiting does not change.
    """
    # Chance takes 1 ms to import, and most daemons are there.
    from llb.client.connect.retry import retried  # noqa: PLC0415

    return retried(lambda: Client(addr, tls=tls), timeout)


def _private_daemon() -> str:
    # What starts programs takes 4 ms to import, and most daemons run already.
    from llb.client.daemon import private as daemon  # noqa: PLC0415

    return daemon.start()
