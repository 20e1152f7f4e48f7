"""The public client: a connection to a daemon, and builds on it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Self

from attrs import field, frozen

from llb import caps
from llb._pb import control_pb2 as pb
from llb.client import address as addresses
from llb.client import daemon
from llb.client.agents import Agents, AgentSpec, to_agent
from llb.client.caches import Cache, to_cache
from llb.client.caches import frontend_attrs as frontend_attrs_of
from llb.client.control import Control, Info, Worker
from llb.client.entitlements import to_entitlement
from llb.client.providers.auth import Auth
from llb.client.providers.filesend import FileSend
from llb.client.providers.filesync import LocalDirs, unknown_directory
from llb.client.providers.secrets import Secrets
from llb.client.providers.ssh import SSHAgents
from llb.client.session import Session
from llb.client.solving import Solving
from llb.errors import InvalidValueError, RemoteError
from llb.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from llb.client.events import Event
    from llb.client.exporters import Export
    from llb.client.providers.service import Service
    from llb.client.secrets import Secret
    from llb.client.tls import TLS
    from llb.definition import Definition
    from llb.platforms import Platform

_IMAGE_CONFIG = "containerimage.config"
_LOCAL = "local://"


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

    def solve(
        self,
        what: State | Definition | None = None,
        *,
        frontend: str | None = None,
        frontend_attrs: Mapping[str, str] | None = None,
        local: Mapping[str, str | Path] | None = None,
        exports: Iterable[Export] = (),
        secrets: Mapping[str, Secret] | None = None,
        ssh: Iterable[str | AgentSpec] = (),
        cache_from: Iterable[str | Cache] = (),
        cache_to: Iterable[str | Cache] = (),
        allow: Iterable[str] = (),
        image_config: bytes | None = None,
        platform: Platform | str | None = None,
        on_event: Callable[[Event], None] | None = None,
        timeout: float | None = None,
    ) -> SolveResult:
        """Build a state, a definition, or what a frontend makes of its attributes.

        ``local`` maps names of local directories to their paths. ``secrets`` maps ids to
        values, files (a ``Path``), variables (``EnvSecret``) or functions, ``ssh`` names
        agents as ``default``, ``ID=SOCKET`` or ``ID=KEY``; credentials for registries are
        those of Docker's configuration. ``cache_from`` and ``cache_to`` are caches as values
        or as texts (:func:`parse_cache`), ``allow`` what steps may do that is not allowed by
        itself: ``network.host``, ``security.insecure``, ``device=…``. An image that is
        made of a state gets the state's image config; of a definition,
        ``image_config`` in JSON. ``platform`` is that of steps of a state which name
        none; a frontend has an attribute for it. ``on_event`` is called for everything
        that happens, on a thread of its own; an exception of it ends the build and is
        raised here. ``timeout`` is in seconds.

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
        directories = LocalDirs({name: Path(path) for name, path in (local or {}).items()})
        outputs = tuple(exports)
        receivers = {
            number: receiver
            for number, export in enumerate(outputs)
            if (receiver := export.receiver()) is not None
        }
        with Agents(map(to_agent, ssh)) as agents:
            services: list[Service] = [
                directories,
                FileSend(receivers),
                Secrets(secrets or {}),
                SSHAgents(agents),
                Auth(),
            ]
            session = Session(services, shared_key=directories.shared_key)
            if isinstance(what, State):
                image_config = what.image_config(platform=platform)
                what = what.marshal(platform=platform, local_unique_id=session.id)
            request = pb.SolveRequest(Session=session.id, Frontend=frontend or "")
            imports = tuple(map(to_cache, cache_from))
            request.FrontendAttrs.update(frontend_attrs or {})
            if frontend is not None:
                request.FrontendAttrs.update(frontend_attrs_of(imports))
            request.Cache.Imports.extend(map(_cache_entry, imports))
            request.Cache.Exports.extend(_cache_entry(to_cache(each)) for each in cache_to)
            request.Entitlements.extend(map(to_entitlement, allow))
            request.Exporters.extend(_exporter(export, image_config) for export in outputs)
            if what is not None:
                _check_locals(what, local or {})
                self._check_capabilities(what)
                request.Definition.CopyFrom(what.to_pb())
            response = Solving(self._control, session, receivers, on_event).run(request, timeout)
            return SolveResult(dict(response.ExporterResponse))

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
