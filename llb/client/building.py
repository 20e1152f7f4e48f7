"""A build while it is made ready and runs: what is asked of the daemon, and what serves it."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Self

from llb._pb import control_pb2 as pb
from llb.client.agents import Agents, to_agent
from llb.client.caches import frontend_attrs
from llb.client.docker_engine import to_docker
from llb.client.entitlements import to_entitlement
from llb.client.events import VertexWarning
from llb.client.options import BuildOptions
from llb.client.policy import to_policy
from llb.client.providers.auth import Auth
from llb.client.providers.content import Content
from llb.client.providers.filesend import FileSend
from llb.client.providers.filesync import LocalDirs
from llb.client.providers.policy import PolicyVerifier
from llb.client.providers.secrets import Secrets
from llb.client.providers.ssh import SSHAgents
from llb.client.results import SolveResult
from llb.client.session import Session
from llb.client.solving import Solving
from llb.client.stores import Stores
from llb.steps import check_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from llb.client.caches import Cache
    from llb.client.control import Control
    from llb.client.exporters import Export
    from llb.client.providers.filesend import Receiver
    from llb.client.providers.service import Service

_IMAGE_CONFIG = "containerimage.config"


class Building:
    """One build while it is made ready and runs: its session, and what the session needs."""

    def __init__(self, control: Control, options: BuildOptions) -> None:
        check_keys(options, BuildOptions.__optional_keys__)
        self._control = control
        self._options = options
        policy = options.get("source_policy")
        self._policy_check = policy if callable(policy) else None
        self._rules = None if callable(policy) else policy
        self._exports = tuple(self._sent(options.get("exports", ())))
        self._stores = Stores()
        self._stores.add_layouts(options.get("oci_layouts", {}))
        self._targets = self._stores.targets(options.get("cache_to", ()))
        self._imports = self._stores.sources(options.get("cache_from", ()))
        self._receivers: dict[int, Receiver] = {}
        for number, export in enumerate(self._exports):
            if export.is_layout:
                self._stores.add_image(Path(export.destination or ""))
            elif (receiver := export.receiver()) is not None:
                self._receivers[number] = receiver
        local = {name: Path(path) for name, path in options.get("local", {}).items()}
        directories, secrets = LocalDirs(local), Secrets(options.get("secrets", {}))
        self._agents = Agents(map(to_agent, options.get("ssh", ())))
        services: list[Service] = [
            *(directories, FileSend(self._receivers), secrets),
            *(SSHAgents(self._agents), Auth(), Content(self._stores.by_id)),
            PolicyVerifier(self._policy_check),
        ]
        self.session = Session(services, shared_key=directories.shared_key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._agents.close()

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What a daemon has to offer for these options."""
        exports = ("exporter.multiple",) if len(self._exports) > 1 else ()
        return exports if self._policy_check is None else (*exports, "source.policy.session")

    @property
    def is_image_of_docker(self) -> bool:
        """Whether the result is put among the images of a Docker."""
        return self._control.is_docker and any(each.takes_image_config for each in self._exports)

    @property
    def cache_attrs(self) -> dict[str, str]:
        """How a frontend is told of the caches that are read."""
        return frontend_attrs(self._imports)

    def request(self, image_config: bytes | None) -> pb.SolveRequest:
        """Return the request without what is built."""
        options = self._options
        ref = options.get("ref") or uuid.uuid4().hex
        request = pb.SolveRequest(Session=self.session.id, Ref=ref)
        request.Cache.Imports.extend(map(_cache_entry, self._imports))
        request.Cache.Exports.extend(map(_cache_entry, self._targets))
        request.Entitlements.extend(map(to_entitlement, options.get("allow", ())))
        exporters = [_exporter(export, image_config) for export in self._exports]
        if self._control.is_docker:
            exporters = list(map(to_docker, exporters))
        request.Exporters.extend(exporters)
        request.ProxyNetwork = options.get("proxy_network", False)
        if self._policy_check is not None:
            request.SourcePolicySession = self.session.id
        if self._rules is not None:
            request.SourcePolicy.CopyFrom(to_policy(self._rules))
        if exporters:
            # A BuildKit from before v0.13 knows one exporter, and reads it here.
            request.ExporterDeprecated = exporters[0].Type
            request.ExporterAttrsDeprecated.update(exporters[0].Attrs)
        return request

    def run(
        self, request: pb.SolveRequest, beside: Callable[[str], None] | None = None
    ) -> SolveResult:
        """Build; ``beside`` works meanwhile, and is told the name of the build."""
        on_event, timeout = self._options.get("on_event"), self._options.get("timeout")
        if on_event is not None:
            for warning in self._stores.warnings:
                on_event(VertexWarning("", 1, warning, (), None, None))
        outputs = (*self._receivers.values(), *self._stores.outputs)
        on_report = self._options.get("on_report")
        solving = Solving(self._control, self.session, outputs, on_event, on_report)
        answers = dict(solving.run(request, timeout, beside).ExporterResponse)
        return SolveResult(answers, request.Ref)

    def _sent(self, exports: Iterable[Export]) -> Iterator[Export]:
        """Yield what the daemon is asked to do with the result."""
        for export in exports:
            if export.sent is not None:
                yield export.inside_docker() if self._control.is_docker else export


def _cache_entry(cache: Cache) -> pb.CacheOptionsEntry:
    return pb.CacheOptionsEntry(Type=cache.type, Attrs=cache.attrs)


def _exporter(export: Export, image_config: bytes | None) -> pb.Exporter:
    kind, attrs = export.sent or ("", {})
    if image_config is not None and export.takes_image_config:
        attrs.setdefault(_IMAGE_CONFIG, image_config.decode())
    return pb.Exporter(Type=kind, Attrs=attrs)
