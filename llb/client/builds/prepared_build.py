"""Prepare a build: the Solve request, the services of its session, and its exports."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from llb import caps
from llb._lazy import lazy_imports
from llb._pb import control_pb2 as pb
from llb.arguments.conversions import to_seconds
from llb.buildkit_names import EXPORTER_IMAGE_CONFIG_KEY
from llb.client.base_images.pending_state import (
    Encoded,
    PendingState,
    encoded_function,
    frontend_function,
    split_inputs,
    state_function,
    with_pending,
)
from llb.client.builds import default_provenance, host_gateway
from llb.client.builds.build_run import BuildRun
from llb.client.builds.function_frontend import FunctionFrontend
from llb.client.builds.subject import Subject
from llb.client.caches import frontend_attrs
from llb.client.connect.keepalive import keepalive_seconds
from llb.client.entitlements import to_entitlement
from llb.client.export.build_stores import Stores
from llb.client.export.docker import to_docker
from llb.client.export.receivers import Receivers
from llb.client.opening import deadline_after, remaining
from llb.client.options import BuildOptions
from llb.client.progress.events import VertexWarning
from llb.client.progress.listeners import both
from llb.client.registry_auth.auth_tls import to_auth_tls
from llb.client.results import SolveResult
from llb.client.session.local_inputs import check_layouts, check_locals, shared_key
from llb.client.session.services import service
from llb.client.session.session import Session
from llb.client.session.ssh_agent_spec import to_agent
from llb.client.session.ssh_agents import Agents
from llb.client.session.uploads import MemoryUploads
from llb.client.tracing import build_span
from llb.definition.message_size import sending
from llb.errors import InvalidValueError
from llb.gateway import Request
from llb.state.state import State
from llb.state.step_options import check_keys

with lazy_imports(__name__):
    from llb.client.builds import docker_push  # 2 ms
    from llb.client.export import docker_load  # 35 ms
    from llb.client.registry_auth import credentials as build_credentials  # 4 ms
    from llb.client.session import policy  # 2 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from llb.client.builds.daemon_capabilities import DaemonCapabilities
    from llb.client.builds.docker_push import DockerPush
    from llb.client.caches import Cache
    from llb.client.connect.control import Control
    from llb.client.export.exporters import Export
    from llb.client.export.receivers import Receiver
    from llb.client.progress.events import Event
    from llb.client.registry_auth.credentials import BuildCredentials
    from llb.client.session.providers.service import Service
    from llb.definition.definition import Definition
    from llb.gateway import Gateway, Result

# The Dockerfile frontend reads the directory of the Dockerfile without what an earlier build sent.
_ALWAYS_READ = {"dockerfile.v0": ("dockerfile",)}


class PreparedBuild:
    """A build that is ready to run, with its session and the stores that the session serves.

    Nothing is sent before :meth:`run`, which is called once; :meth:`cancel` is for other threads.
    The constructor raises InvalidValueError and InputError. ``on_event`` is a listener besides that
    of the options.
    """

    def __init__(
        self,
        control: Control,
        capabilities: DaemonCapabilities,
        subject: Subject,
        options: BuildOptions,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        check_keys(options, BuildOptions.__optional_keys__)
        self._control = control.scope()
        self._capabilities = capabilities
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
            elif (receiver := self._receiver(export)) is not None:
                self._receivers.add(number, receiver)
        self._find_exports = options.get("find_exports")
        self._image_config: bytes | None = None
        self._push: DockerPush | None = None
        self._function: Callable[[Request, Gateway], Result] | None = None
        self._memory_uploads = MemoryUploads(is_docker=control.is_docker)
        local = {
            name: _to_directory(name, path) for name, path in options.get("local_dirs", {}).items()
        }
        services = list(self._services(local))
        # Last, because agents may be processes, which nothing would end if another option fails.
        self._agents = Agents(map(to_agent, options.get("ssh", ())))
        try:
            services.append(service("ssh:SSHAgents", agents=self._agents))
            key = shared_key(local, _ALWAYS_READ.get(subject.frontend or "", ()))
            self._session = Session(services, shared_key=key)
            self._on_event = both(on_event, options.get("on_event"))
            self._run = self._new_run()
            self._required = self._option_capabilities()
            self._request = self._to_request(subject)
        except BaseException:
            self.close()
            raise

    @property
    def ref(self) -> str:
        """The name of the build in the history of the daemon."""
        return self._request.Ref

    def run(self) -> SolveResult:
        """Run the build; raises the errors of ``Client.solve``."""
        request, limit = self._request, self._options.get("timeout")
        deadline = deadline_after(None if limit is None else to_seconds(limit))
        try:
            self._capabilities.check(self._control, self._required, remaining(deadline))
            host_gateway.resolve(request.FrontendAttrs, self._control, remaining(deadline))
            default_provenance.keep_supported(
                request.FrontendAttrs, self._control, self._capabilities, remaining(deadline)
            )
            frontend = self._to_frontend(remaining(deadline))
            if self._control.is_docker:
                self._push = docker_push.docker_push(self._control, request, self._credentials())
            self._show_warnings()
            names = {"buildkit.ref": request.Ref, "buildkit.frontend": request.Frontend}
            with (
                sending(request),
                build_span({key: name for key, name in names.items() if name}) as metadata,
            ):
                response = self._run.run(
                    request, remaining(deadline), frontend, metadata, self._push
                )
            return SolveResult(dict(response.ExporterResponse), request.Ref)
        finally:
            self.close()

    def cancel(self) -> None:
        """End the build with CancelledError; does nothing after its end, and does not wait."""
        self._run.cancel()

    def close(self) -> None:
        """Discard what is not committed, and end the agents of a build that does not run."""
        self._receivers.abort()
        for output in self._stores.outputs:
            output.abort()
        self._agents.close()

    def _new_run(self) -> BuildRun:
        return BuildRun(
            self._control,
            self._session,
            self._receivers,
            self._stores.outputs,
            self._on_event,
            self._options.get("on_report"),
            keepalive_seconds(),
        )

    def _show_warnings(self) -> None:
        if self._on_event is not None:
            pushed = () if self._push is None else self._push.warnings
            for warning in (*self._stores.warnings, *pushed):
                self._on_event(VertexWarning("", 1, warning, (), None, None))

    def _show(self, progress: pb.StatusResponse) -> None:
        """Pass on the progress of a service, which exists before the run."""
        self._run.show(progress)

    def _services(self, local: Mapping[str, Path]) -> Iterator[Service]:
        """Yield the services of the session. Raises InputError for an unusable option."""
        tls = [to_auth_tls(option) for option in self._options.get("registry_auth_tls", ())]
        yield service("filesync:LocalDirs", directories=local)
        yield service("filesend:FileSend", receivers=self._receivers)
        yield service("secrets:Secrets", secrets=self._options.get("secrets", {}))
        show = {"show": self._show}
        yield service("auth:Auth", show, tls=tls, credentials=self._credentials())
        yield service(
            "upload:Uploads",
            uploads=self._options.get("uploads", ()),
            contents=self._memory_uploads.contents,
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

    def _option_capabilities(self) -> set[str]:
        """Collect the capabilities that a daemon needs for the options."""
        conditions = {
            "exporter.multiple": len(self._exports) > 1,
            "exporter.session": self._find_exports is not None,
            "source.policy.session": self._policy_check is not None,
            "proxynetwork": self._options.get("proxy_network", False),
        }
        required = {cap for cap, is_needed in conditions.items() if is_needed}
        for export in self._exports:
            required |= _exporter_options(export)
        for cache in (*self._cache_imports, *self._cache_exports):
            required |= {f"cache.{cache.type}.{key}" for key in cache.attrs}
        return required

    def _to_request(self, subject: Subject) -> pb.SolveRequest:
        """Build the Solve request. Raises InputError for directories that do not exist."""
        what = subject.what
        if what is None:
            return self._frontend_request(subject)
        if isinstance(what, State):
            state = PendingState(what, subject.platform, self._takes_image_config, self._session.id)
            if state.images:
                return self._frontend_request(Subject(function=state_function(state, self._check)))
            encoded = state.encode()
        else:
            encoded = Encoded(what, subject.image_config)
        self._check_local_inputs(encoded.definition)
        self._required |= set(caps.needed(encoded.definition))
        if encoded.image_config is not None and self._is_docker_image:
            # An old Docker ignores the config among the attributes of its exporter.
            return self._frontend_request(Subject(function=encoded_function(encoded)))
        request = self._options_request(encoded.image_config)
        definition = self._memory_uploads.shrink(encoded.definition)
        request.Definition.CopyFrom(definition.to_pb())
        return request

    def _frontend_request(self, subject: Subject) -> pb.SolveRequest:
        """Build the request to a frontend; a function runs it if its inputs are not resolved."""
        definitions, pending = split_inputs(subject.frontend_inputs)
        function = subject.function
        if pending:
            function = function or frontend_function(subject.frontend or "")
            function = with_pending(function, pending, self._check_needed)
        self._function = function
        request = self._options_request(None)
        if function is None:
            request.Frontend = subject.frontend or ""
        attrs = {**subject.frontend_attrs, **frontend_attrs(self._cache_imports)}
        request.FrontendAttrs.update(attrs)
        for name, value in definitions.items():
            # The frontend sends the inputs back, with steps of its own.
            definition = self._memory_uploads.shrink(value, parts=1 + len(subject.frontend_inputs))
            self._required |= set(caps.needed(definition))
            request.FrontendInputs[name].CopyFrom(definition.to_pb())
        return request

    def _check(self, definition: Definition) -> None:
        """Check a definition that is encoded during the build. Raises the errors of a request."""
        self._check_local_inputs(definition)
        self._check_needed(definition)

    def _check_local_inputs(self, definition: Definition) -> None:
        check_locals(definition, self._options.get("local_dirs", {}))
        check_layouts(definition, self._options.get("oci_layouts", {}))

    def _check_needed(self, definition: Definition) -> None:
        """Raise CapabilityError if the daemon is too old for a step."""
        self._capabilities.check(self._control, caps.needed(definition))

    @property
    def _takes_image_config(self) -> bool:
        """Whether the result may become an image."""
        return self._find_exports is not None or any(
            export.takes_image_config for export in self._exports
        )

    @property
    def _is_docker_image(self) -> bool:
        """Whether the result goes into Docker's image store."""
        return self._control.is_docker and any(
            export.takes_image_config for export in self._exports
        )

    def _options_request(self, image_config: bytes | None) -> pb.SolveRequest:
        """Build the part of the Solve request that does not depend on what is built."""
        options = self._options
        self._image_config = image_config
        ref = options.get("ref") or uuid.uuid4().hex
        request = pb.SolveRequest(Session=self._session.id, Ref=ref)
        request.Cache.Imports.extend(map(_cache_entry, self._cache_imports))
        request.Cache.Exports.extend(map(_cache_entry, self._cache_exports))
        request.Entitlements.extend(map(to_entitlement, options.get("allow", ())))
        exporters = list(map(self._exporter_message, self._exports))
        request.Exporters.extend(exporters)
        request.EnableSessionExporter = self._find_exports is not None
        request.ProxyNetwork = options.get("proxy_network", False)
        if self._policy_check is not None:
            request.SourcePolicySession = self._session.id
        if self._rules is not None:
            request.SourcePolicy.CopyFrom(policy.to_policy(self._rules))
        if exporters:
            # BuildKit before v0.13 supports one exporter, and reads it here.
            request.ExporterDeprecated = exporters[0].Type
            request.ExporterAttrsDeprecated.update(exporters[0].Attrs)
        return request

    def _to_frontend(self, timeout: float | None) -> FunctionFrontend | None:
        """Prepare the function that runs as a frontend, if any."""
        if self._function is None:
            return None
        request = Request(
            options=dict(self._request.FrontendAttrs),
            session_id=self._session.id,
            platforms=self._control.workers(timeout=timeout)[0].platforms,
        )
        return FunctionFrontend(self._control, self._function, request, self._memory_uploads.shrink)

    def _exports_to_send(self, exports: Iterable[Export]) -> Iterator[Export]:
        """Yield the exports that the daemon performs."""
        for export in exports:
            if export.sent is not None:
                yield export.inside_docker() if self._control.is_docker else export

    def _receiver(self, export: Export) -> Receiver | None:
        """Create the receiver of a result. Raises InputError for an unusable destination."""
        return docker_load.loader(self._control.address) if export.is_loaded else export.receiver()

    def _exporter_message(self, export: Export) -> pb.Exporter:
        """Encode an exporter for this daemon."""
        message = _encode_exporter(export, self._image_config)
        message = to_docker(message) if self._control.is_docker else message
        return message if self._push is None else self._push.take(message)

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
            self._capabilities.check(self._control, _exporter_options(export))
            if (receiver := self._receiver(export)) is not None:
                self._receivers.add(number, receiver)
            message = self._exporter_message(export)
            yield message.Type, message.Attrs


def _exporter_options(export: Export) -> set[str]:
    """Name the options of an exporter as requirements (:mod:`llb.caps`)."""
    return {f"exporter.{key}" for key in export.attrs}


def _cache_entry(cache: Cache) -> pb.CacheOptionsEntry:
    return pb.CacheOptionsEntry(Type=cache.type, Attrs=cache.attrs)


def _encode_exporter(export: Export, image_config: bytes | None) -> pb.Exporter:
    kind, attrs = export.sent or ("", {})
    if image_config is not None and export.takes_image_config:
        attrs.setdefault(EXPORTER_IMAGE_CONFIG_KEY, image_config.decode())
    return pb.Exporter(Type=kind, Attrs=attrs)


def _to_directory(name: str, path: str | Path) -> Path:
    """Convert the path of a local directory; an empty string is not the working directory."""
    if path == "":
        raise InvalidValueError(f"invalid local_dirs[{name!r}] '': expected a path")
    return Path(path)
