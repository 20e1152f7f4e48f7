"""The public client: a connection to a daemon, and builds on it."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self, Unpack

from attrs import field, frozen

from llb import caps
from llb._pb import control_pb2 as pb
from llb.client import address as addresses
from llb.client import daemon
from llb.client.agents import Agents, to_agent
from llb.client.caches import Cache, to_cache
from llb.client.caches import frontend_attrs as frontend_attrs_of
from llb.client.control import Control, Info, Worker
from llb.client.entitlements import to_entitlement
from llb.client.options import BuildOptions
from llb.client.providers.auth import Auth
from llb.client.providers.filesend import FileSend
from llb.client.providers.filesync import LocalDirs, unknown_directory
from llb.client.providers.secrets import Secrets
from llb.client.providers.ssh import SSHAgents
from llb.client.session import Session
from llb.client.solving import Solving
from llb.definition import Definition
from llb.errors import InvalidValueError, RemoteError
from llb.gateway import Gateway, ImageConfig, Request, Result, answer
from llb.state import State
from llb.steps import check_keys
from llb.tunnel import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType

    from llb.client.exporters import Export
    from llb.client.providers.service import Service
    from llb.client.tls import TLS
    from llb.client.usage import Usage
    from llb.platforms import Platform

_IMAGE_CONFIG = "containerimage.config"
_LOCAL = "local://"
# How a call to the gateway says which build it belongs to (client/buildid).
_BUILD_ID = "buildkit-controlapi-buildid"


@frozen
class SolveResult:
    """What a build gave: the answers of its exporters, by their own keys.

    ``containerimage.digest`` is the digest of an exported image.
    """

    exporter_response: Mapping[str, str] = field(factory=dict)

    @property
    def digest(self) -> str | None:
        """The digest of the image that was exported, where there was one."""
        return self.exporter_response.get("containerimage.digest")

    def to_json(self) -> str:
        """Return the answers as JSON, in the form of buildctl's metadata file.

        Objects, such as descriptors, come as base64 of their JSON, and stand in it as objects.
        """
        answers = {key: _object_or_text(value) for key, value in self.exporter_response.items()}
        return json.dumps(answers, indent=2, sort_keys=True)


class Client:
    """A connection to a BuildKit.

    ``addr`` is ``unix://PATH`` or ``tcp://HOST:PORT``. Without it ``BUILDKIT_HOST``
    is used, then the default sockets, then a private daemon that is started when
    buildkitd is installed. ``tls`` is for a daemon at ``tcp://`` that asks for it. Raises
    ConnectError where none of these is there.
    """

    def __init__(self, addr: str | None = None, *, tls: TLS | None = None) -> None:
        found = addresses.named(addr) or addresses.default_socket()
        self.address = found or daemon.start()
        if tls is not None and not self.address.startswith("tcp://"):
            raise InvalidValueError(f"TLS is for tcp:// addresses, not for {self.address}")
        self._control = Control(self.address, addresses.to_target(self.address), tls)
        self._version: str | None = None

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

    def info(self) -> Info:
        """Return which BuildKit this is."""
        return self._control.info()

    def workers(self) -> tuple[Worker, ...]:
        """Return what in the daemon runs steps."""
        return self._control.workers()

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
        with _Build(self._control, options) as build:
            if isinstance(what, State):
                image_config = what.image_config(platform=platform)
                what = what.marshal(platform=platform, local_unique_id=build.session.id)
            request = build.request(image_config)
            if what is not None:
                _check_locals(what, options.get("local", {}))
                self._check_capabilities(what)
                request.Definition.CopyFrom(what.to_pb())
            if frontend is not None:
                request.Frontend = frontend
                request.FrontendAttrs.update({**(frontend_attrs or {}), **build.cache_attrs})
                for name, each in (frontend_inputs or {}).items():
                    given = each if isinstance(each, Definition) else each.marshal()
                    self._check_capabilities(given)
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
        with _Build(self._control, options) as build:
            asked = Request(
                options={**(frontend_attrs or {}), **build.cache_attrs},
                session_id=build.session.id,
                platforms=self.workers()[0].platforms,
            )
            request = build.request(None)
            request.FrontendAttrs.update(asked.options)
            return build.run(request, lambda ref: self._answer(function, asked, ref))

    def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: str = "default"
    ) -> ImageConfig:
        """Return digest and config of an image, as the daemon finds it in its registry.

        A client is thereby the ``resolver`` of :func:`llb.Image`.
        """
        found: list[ImageConfig] = []

        def resolve(_: Request, gateway: Gateway) -> Result:
            found.append(
                gateway.resolve_image_config(ref, platform=platform, resolve_mode=resolve_mode)
            )
            return Result()

        self.build(resolve)
        return found[0]

    def _answer(
        self, function: Callable[[Request, Gateway], Result], request: Request, ref: str
    ) -> None:
        """Be the frontend of the build ``ref``, over a connection of its own."""
        channel = Channel(self._control.connect())
        try:
            error = answer(function, request, Gateway(channel, metadata=((_BUILD_ID, ref),)))
            if error is not None:
                raise error
        finally:
            channel.close()

    def _check_capabilities(self, definition: Definition) -> None:
        if self._version is None:
            try:
                self._version = self.info().version
            # What cannot tell its version (before v0.11) is left to speak for itself.
            except RemoteError:
                self._version = ""
        offered = caps.of_version(self._version)
        if offered is not None:
            caps.check(definition, offered, f"BuildKit {self._version}")


def _object_or_text(value: str) -> object:
    try:
        decoded = json.loads(base64.b64decode(value, validate=True))
    except ValueError:
        return value
    return decoded if isinstance(decoded, dict) and decoded else value


def _cache_entry(cache: Cache) -> pb.CacheOptionsEntry:
    return pb.CacheOptionsEntry(Type=cache.type, Attrs=cache.attrs)


class _Build:
    """One build while it is made ready and runs: its session, and what the session needs."""

    def __init__(self, control: Control, options: BuildOptions) -> None:
        check_keys(options, BuildOptions.__optional_keys__)
        self._control = control
        self._options = options
        self._exports = tuple(options.get("exports", ()))
        self._imports = tuple(map(to_cache, options.get("cache_from", ())))
        self._receivers = {
            number: receiver
            for number, export in enumerate(self._exports)
            if (receiver := export.receiver()) is not None
        }
        local = {name: Path(path) for name, path in options.get("local", {}).items()}
        directories, secrets = LocalDirs(local), Secrets(options.get("secrets", {}))
        self._agents = Agents(map(to_agent, options.get("ssh", ())))
        services: list[Service] = [
            *(directories, FileSend(self._receivers), secrets),
            *(SSHAgents(self._agents), Auth()),
        ]
        self.session = Session(services, shared_key=directories.shared_key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._agents.close()

    @property
    def cache_attrs(self) -> dict[str, str]:
        """How a frontend is told of the caches that are read."""
        return frontend_attrs_of(self._imports)

    def request(self, image_config: bytes | None) -> pb.SolveRequest:
        """Return the request without what is built."""
        options = self._options
        request = pb.SolveRequest(Session=self.session.id)
        request.Cache.Imports.extend(map(_cache_entry, self._imports))
        caches = map(to_cache, options.get("cache_to", ()))
        request.Cache.Exports.extend(map(_cache_entry, caches))
        request.Entitlements.extend(map(to_entitlement, options.get("allow", ())))
        request.Exporters.extend(_exporter(export, image_config) for export in self._exports)
        return request

    def run(
        self, request: pb.SolveRequest, beside: Callable[[str], None] | None = None
    ) -> SolveResult:
        """Build; ``beside`` works meanwhile, and is told the name of the build."""
        on_event, timeout = self._options.get("on_event"), self._options.get("timeout")
        solving = Solving(self._control, self.session, self._receivers, on_event)
        return SolveResult(dict(solving.run(request, timeout, beside).ExporterResponse))


def _exporter(export: Export, image_config: bytes | None) -> pb.Exporter:
    kind, attrs = export.sent
    if image_config is not None and export.takes_image_config:
        attrs.setdefault(_IMAGE_CONFIG, image_config.decode())
    return pb.Exporter(Type=kind, Attrs=attrs)


def _check_locals(definition: Definition, given: Mapping[str, str | Path]) -> None:
    """Raise InputError for a local directory that the definition names and nobody gave."""
    for name in local_names(definition):
        if name not in given:
            raise unknown_directory(name, given)


def local_names(definition: Definition) -> tuple[str, ...]:
    """Return the names of the local directories that a definition asks for."""
    identifiers = (
        str(vertex.op.get("identifier", ""))
        for vertex in definition.vertices()
        if vertex.kind == "source"
    )
    return tuple(
        dict.fromkeys(each.removeprefix(_LOCAL) for each in identifiers if each.startswith(_LOCAL))
    )
