"""Connect to a BuildKit daemon, run builds on it, and query or prune its cache."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self, Unpack

from llb import caps
from llb._lazy import lazy_imports
from llb._pb import control_pb2 as pb
from llb.arguments.checked import checked
from llb.arguments.conversions import Duration, to_seconds
from llb.buildkit_names import EXPORTER_IMAGE_CONFIG_KEY, ResolveMode
from llb.client.build_request import Building
from llb.client.connect import address as addresses
from llb.client.connect.control import Control, Info, Worker
from llb.client.connect.fleet import ranked, reach
from llb.client.connect.routes import to_route
from llb.client.options import BuildOptions
from llb.client.session.local_inputs import check_layouts, check_locals
from llb.definition.definition import Definition
from llb.errors import InvalidValueError, RemoteError
from llb.gateway import Gateway, Request, Result, answer
from llb.platforms import to_platform
from llb.reference import Reference
from llb.state.state import State

with lazy_imports(__name__):
    from llb.client import history as build_history  # 6 ms
    from llb.client.connect import retry  # 2 ms
    from llb.client.daemon import private as daemon  # 9 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from types import TracebackType

    from llb.client.connect.tls import TLS
    from llb.client.history import History
    from llb.client.results import SolveResult
    from llb.client.usage import Usage
    from llb.grpc import Pipe
    from llb.platforms import Platform
    from llb.sources.image_resolver import ResolvedImage

# The metadata key by which a gateway call names its build (client/buildid).
_BUILD_ID = "buildkit-controlapi-buildid"
_NO_VERSION = "v0.10.0"


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

    @checked
    def __init__(self, addr: str | None = None, *, tls: TLS | None = None) -> None:
        self.address = (
            addresses.explicit_address(addr) or addresses.default_socket() or _private_daemon()
        )
        self._control = Control(to_route(self.address, tls))
        self._version: str | None = None

    @classmethod
    @checked
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

    @checked
    def ping(self, *, timeout: Duration = 10.0) -> float:
        """Measure how many seconds the daemon takes to answer; raises ConnectError."""
        start = time.monotonic()
        self._control.ping(to_seconds(timeout))
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

    @checked
    def workers(self, *, filters: Iterable[str] = ()) -> tuple[Worker, ...]:
        """List the daemon's workers that pass at least one of BuildKit's ``filters``."""
        return self._control.workers(filters)

    @checked
    def disk_usage(self, *, filters: Iterable[str] = ()) -> tuple[Usage, ...]:
        """List the records of the daemon's build cache.

        ``filters`` are BuildKit's, such as ``type==regular`` or ``id~=abc``; a record must pass
        all of them.
        """
        return self._control.disk_usage(filters)

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
                keepDuration=round(to_seconds(unused_for) * 1e9),
                reservedSpace=reserved_space,
                maxUsedSpace=max_used_space,
                minFreeSpace=min_free_space,
            )
        )

    def history(self) -> History:
        """Open the daemon's build history."""
        return build_history.History(self._control)

    @checked(options=BuildOptions)
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
        nothing at its destinations.
        """
        if (what is None) == (frontend is None):
            raise InvalidValueError("solve() takes a state, a definition, or a frontend")
        if frontend == "":
            raise InvalidValueError(
                "invalid frontend '': expected a name, for example dockerfile.v0"
            )
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
                if image_config is not None and build.is_docker_image:
                    return self._solve_for_docker(build, what, image_config)
                request.Definition.CopyFrom(what.to_pb())
            if frontend is not None:
                request.Frontend = frontend
                request.FrontendAttrs.update({**(frontend_attrs or {}), **build.cache_attrs})
                for name, value in (frontend_inputs or {}).items():
                    definition = value if isinstance(value, Definition) else value.marshal()
                    self._check_capabilities(caps.needed(definition))
                    request.FrontendInputs[name].CopyFrom(definition.to_pb())
            return build.run(request)

    @checked(options=BuildOptions)
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
        with Building(self._control, options) as build:
            self._check_capabilities(build.capabilities)
            return self._run(build, function, frontend_attrs or {})

    @checked
    def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: ResolveMode = "default"
    ) -> ResolvedImage:
        """Resolve the digest and config of an image through the daemon.

        This makes a client usable as the ``resolver`` of :func:`llb.Image`.
        """
        images: list[ResolvedImage] = []
        # Old daemons accept only full image names.
        full = str(Reference.parse(ref).tagged())

        def resolve(_: Request, gateway: Gateway) -> Result:
            images.append(
                gateway.resolve_image_config(full, platform=platform, resolve_mode=resolve_mode)
            )
            return Result()

        self.build(resolve)
        return images[0]

    def _solve_for_docker(
        self, build: Building, definition: Definition, image_config: bytes
    ) -> SolveResult:
        """Build an image whose config is part of the result.

        An old Docker ignores the config among the attributes of its exporter.
        """
        metadata = {EXPORTER_IMAGE_CONFIG_KEY: image_config}

        def frontend(_: Request, gateway: Gateway) -> Result:
            return Result(gateway.solve(definition), metadata=metadata)

        return self._run(build, frontend, {})

    def _run(
        self,
        build: Building,
        function: Callable[[Request, Gateway], Result],
        attrs: Mapping[str, str],
    ) -> SolveResult:
        """Run a build with a Python function as its frontend."""
        frontend_request = Request(
            options={**attrs, **build.cache_attrs},
            session_id=build.session.id,
            platforms=self.workers()[0].platforms,
        )
        request = build.request(None)
        request.FrontendAttrs.update(frontend_request.options)
        return build.run(request, lambda ref: self._run_frontend(function, frontend_request, ref))

    def _run_frontend(
        self, function: Callable[[Request, Gateway], Result], request: Request, ref: str
    ) -> None:
        """Act as the frontend of the build ``ref``, over a separate connection."""
        channel = self._control.channel()
        try:
            error = answer(function, request, Gateway(channel, metadata=((_BUILD_ID, ref),)))
            if error is not None:
                raise error
        finally:
            channel.close()

    def _check_capabilities(self, required: Collection[str]) -> None:
        """Raise CapabilityError if the daemon is too old for a required capability."""
        if not required:
            return
        if self._version is None:
            try:
                self._version = self.info().version
            except RemoteError:
                self._version = ""
        # A daemon that does not report its version is older than the first release that does.
        offered = caps.of_version(self._version or _NO_VERSION)
        if offered is not None:
            daemon = f"BuildKit {self._version}" if self._version else "a BuildKit before v0.11"
            caps.require(required, offered, daemon)


@checked
def wait_for_ready(
    addr: str | None = None, *, timeout: Duration = 60.0, tls: TLS | None = None
) -> Client:
    """Connect to a daemon that may still be starting.

    Attempts are repeated with growing pauses for ``timeout``, in seconds or as a timedelta. Raises the last
    ConnectError after the timeout; any other error is raised at once.
    """
    return retry.retried(lambda: Client(addr, tls=tls), to_seconds(timeout))


def _private_daemon() -> str:

    return daemon.start()
