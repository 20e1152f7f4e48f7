"""Prepare a build from its options: the Solve request, the session's services, and the exports."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Self

from llb._lazy import lazy_imports
from llb._pb import control_pb2 as pb
from llb.arguments.conversions import to_seconds
from llb.buildkit_names import EXPORTER_IMAGE_CONFIG_KEY
from llb.client.caches import frontend_attrs
from llb.client.entitlements import to_entitlement
from llb.client.export.build_stores import Stores
from llb.client.export.docker import to_docker
from llb.client.export.receivers import Receivers
from llb.client.options import BuildOptions
from llb.client.progress.events import VertexWarning
from llb.client.registry_auth.auth_tls import to_auth_tls
from llb.client.results import SolveResult
from llb.client.session.local_inputs import shared_key
from llb.client.session.services import service
from llb.client.session.session import Session
from llb.client.session.ssh_agent_spec import to_agent
from llb.client.session.ssh_agents import Agents
from llb.client.session.uploads import MemoryUploads
from llb.client.solve import Solving
from llb.client.tracing import build_span
from llb.definition.message_size import sending
from llb.errors import InvalidValueError
from llb.state.step_options import check_keys

with lazy_imports(__name__):
    from llb.client.registry_auth import credentials as build_credentials  # 2 ms
    from llb.client.session import policy  # 2 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from llb.client.caches import Cache
    from llb.client.connect.control import Control
    from llb.client.export.exporters import Export
    from llb.client.registry_auth.credentials import BuildCredentials
    from llb.client.session.providers.service import Service


class Building:
    """One build from preparation to result, with its session and the stores the session serves."""

    def __init__(self, control: Control, options: BuildOptions) -> None:
        check_keys(options, BuildOptions.__optional_keys__)
        self._control = control
        self._options = options
        policy = options.get("source_policy")
        self._policy_check = policy if callable(policy) else None
        self._rules = None if callable(policy) else policy
        self._exports = tuple(self._exports_to_send(options.get("exports", ())))
        self._stores = Stores()
        self._stores.add_layouts(options.get("oci_layouts", {}))
        self._cache_exports = self._stores.add_exports(options.get("cache_to", ()))
        self._cache_imports = self._stores.add_imports(options.get("cache_from", ()))
        self._receivers = Receivers()
        for number, export in enumerate(self._exports):
            if export.is_layout:
                self._stores.add_image(Path(export.destination or ""))
            elif (receiver := export.receiver()) is not None:
                self._receivers.add(number, receiver)
        self._find_exports = options.get("find_exports")
        self._image_config: bytes | None = None
        self.memory_uploads = MemoryUploads(is_docker=control.is_docker)
        local = {name: Path(path) for name, path in options.get("local_dirs", {}).items()}
        services = list(self._services(local))
        # Last, because agents may be processes, which nothing would end if another option fails.
        self._agents = Agents(map(to_agent, options.get("ssh", ())))
        services.append(service("ssh:SSHAgents", agents=self._agents))
        self.session = Session(services, shared_key=shared_key(local))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._agents.close()

    def _services(self, local: Mapping[str, Path]) -> Iterator[Service]:
        """Yield the services of the session. Raises InputError for an unusable option."""
        tls = [to_auth_tls(option) for option in self._options.get("registry_auth_tls", ())]
        yield service("filesync:LocalDirs", directories=local)
        yield service("filesend:FileSend", receivers=self._receivers)
        yield service("secrets:Secrets", secrets=self._options.get("secrets", {}))
        yield service("auth:Auth", tls=tls, credentials=self._credentials())
        yield service(
            "upload:Uploads",
            uploads=self._options.get("uploads", ()),
            contents=self.memory_uploads.contents,
        )
        if self._stores.by_id:
            yield service("content:Content", stores=self._stores.by_id)
        if self._find_exports is not None:
            yield service("exporter:Exporters", find=self._find_session_exports)
        if self._policy_check is not None:
            yield service("policy:PolicyVerifier", check=self._policy_check)

    def _credentials(self) -> BuildCredentials | None:
        """Check the credentials of registries. Raises InvalidValueError for unusable ones."""
        credentials = self._options.get("credentials")
        return None if credentials is None else build_credentials.to_credentials(credentials)

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The capabilities that a daemon needs for these options."""
        conditions = {
            "exporter.multiple": len(self._exports) > 1,
            "exporter.session": self._find_exports is not None,
            "source.policy.session": self._policy_check is not None,
        }
        return tuple(cap for cap, is_needed in conditions.items() if is_needed)

    @property
    def is_docker_image(self) -> bool:
        """Whether the result goes into Docker's image store."""
        return self._control.is_docker and any(
            export.takes_image_config for export in self._exports
        )

    @property
    def cache_attrs(self) -> dict[str, str]:
        """The imported caches as frontend attributes."""
        return frontend_attrs(self._cache_imports)

    def request(self, image_config: bytes | None) -> pb.SolveRequest:
        """Build the Solve request, except for what is built."""
        options = self._options
        self._image_config = image_config
        ref = options.get("ref") or uuid.uuid4().hex
        request = pb.SolveRequest(Session=self.session.id, Ref=ref)
        request.Cache.Imports.extend(map(_cache_entry, self._cache_imports))
        request.Cache.Exports.extend(map(_cache_entry, self._cache_exports))
        request.Entitlements.extend(map(to_entitlement, options.get("allow", ())))
        exporters = list(map(self._exporter_message, self._exports))
        request.Exporters.extend(exporters)
        request.EnableSessionExporter = self._find_exports is not None
        request.ProxyNetwork = options.get("proxy_network", False)
        if self._policy_check is not None:
            request.SourcePolicySession = self.session.id
        if self._rules is not None:
            request.SourcePolicy.CopyFrom(policy.to_policy(self._rules))
        if exporters:
            # BuildKit before v0.13 supports one exporter, and reads it here.
            request.ExporterDeprecated = exporters[0].Type
            request.ExporterAttrsDeprecated.update(exporters[0].Attrs)
        return request

    def run(
        self, request: pb.SolveRequest, frontend: Callable[[str], None] | None = None
    ) -> SolveResult:
        """Run the build; ``frontend`` runs concurrently and receives the ref of the build."""
        on_event, limit = self._options.get("on_event"), self._options.get("timeout")
        timeout = None if limit is None else to_seconds(limit)
        if on_event is not None:
            for warning in self._stores.warnings:
                on_event(VertexWarning("", 1, warning, (), None, None))
        on_report = self._options.get("on_report")
        solving = Solving(
            self._control, self.session, self._receivers, self._stores.outputs, on_event, on_report
        )
        names = {"buildkit.ref": request.Ref, "buildkit.frontend": request.Frontend}
        with (
            sending(request),
            build_span({key: name for key, name in names.items() if name}) as metadata,
        ):
            responses = dict(solving.run(request, timeout, frontend, metadata).ExporterResponse)
        return SolveResult(responses, request.Ref)

    def _exports_to_send(self, exports: Iterable[Export]) -> Iterator[Export]:
        """Yield the exports that the daemon performs."""
        for export in exports:
            if export.sent is not None:
                yield export.inside_docker() if self._control.is_docker else export

    def _exporter_message(self, export: Export) -> pb.Exporter:
        """Encode an exporter for this daemon."""
        message = _encode_exporter(export, self._image_config)
        return to_docker(message) if self._control.is_docker else message

    def _find_session_exports(
        self, metadata: Mapping[str, bytes]
    ) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Yield the additional exporters for a result with this metadata."""
        assert self._find_exports is not None
        for number, export in enumerate(
            self._exports_to_send(self._find_exports(dict(metadata))), len(self._exports)
        ):
            if export.is_layout:
                raise InvalidValueError(
                    "find_exports cannot return an OCI layout",
                    hint="pass the layout in exports, or write an archive",
                )
            if (receiver := export.receiver()) is not None:
                self._receivers.add(number, receiver)
            message = self._exporter_message(export)
            yield message.Type, message.Attrs


def _cache_entry(cache: Cache) -> pb.CacheOptionsEntry:
    return pb.CacheOptionsEntry(Type=cache.type, Attrs=cache.attrs)


def _encode_exporter(export: Export, image_config: bytes | None) -> pb.Exporter:
    kind, attrs = export.sent or ("", {})
    if image_config is not None and export.takes_image_config:
        attrs.setdefault(EXPORTER_IMAGE_CONFIG_KEY, image_config.decode())
    return pb.Exporter(Type=kind, Attrs=attrs)
