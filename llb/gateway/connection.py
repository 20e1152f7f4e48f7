"""The gateway connection of a frontend: solve trees, resolve images, read files, return the result."""

from __future__ import annotations

from copy import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import frozen

from llb import Definition, ResolvedImage, caps
from llb._lazy import lazy_imports
from llb._pb import gateway_pb2 as pb
from llb._pb import ops_pb2
from llb.arguments.checked import checked, checked_init
from llb.buildkit_names import (
    DOCKER_IMAGE_SCHEME,
    GIT_SCHEME,
    OCI_SCHEME,
    NetworkName,
    ResolveMode,
    SecurityName,
)
from llb.definition.message_size import sending
from llb.errors import InvalidDefinitionError, RemoteError, ReplacedError, TransportError
from llb.gateway.bridge import Bridge, Caps
from llb.gateway.files import FileStat, from_message, one_message, read_ranges
from llb.gateway.results import Ref, Result
from llb.gateway.sources import platform_message, range_message, source_info
from llb.gocompat import utf8
from llb.platforms import to_platform

with lazy_imports(__name__):
    from llb.gateway import (
        container_messages,  # 0.9 ms
        containers,  # 18 ms
    )

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from google.rpc import status_pb2

    from llb import Network, Platform, Security
    from llb.gateway.bridge import Calls
    from llb.gateway.container_messages import RefMount
    from llb.gateway.containers import Container
    from llb.source_map import Location
    from llb.state.settings import MountValue

# The kind of resolver that reads OCI layouts.
_LAYOUT = 1
_META = "source.metaresolver"


@checked_init
@frozen
class SourceInfo:
    """Metadata of a source, available without fetching all of it.

    ``commit`` is the Git object of a repository's commit, ``modified`` the Last-Modified time of
    an HTTP source, ``filename`` the name of such a file in its tree.
    """

    commit: bytes = b""
    modified: datetime | None = None
    filename: str | None = None


class Gateway:
    """A connection to the daemon; safe for use by several threads at once.

    Every call raises RemoteError with the daemon's status, or TransportError if the
    connection broke. ``metadata`` is sent with every call. ``shrink`` moves file contents out of
    definitions that are too large for a message.
    """

    @checked
    def __init__(
        self,
        channel: Calls,
        *,
        metadata: tuple[tuple[str, str], ...] = (),
        shrink: Callable[[Definition], Definition] | None = None,
    ) -> None:
        self._bridge = Bridge(channel, metadata)
        self._shrink = shrink or (lambda definition: definition)
        self._inputs: Mapping[str, Definition] = {}

    @property
    def caps(self) -> Caps:
        """The daemon's capabilities."""
        return self._bridge.caps

    @checked
    def over(self, wrap: Callable[[Calls], Calls]) -> Gateway:
        """Copy the gateway, with the channel replaced by ``wrap(channel)``."""
        gateway = copy(self)
        gateway._bridge = self._bridge.over(wrap)
        return gateway

    @checked
    def with_inputs(self, inputs: Mapping[str, Definition]) -> Gateway:
        """Copy the gateway, with further ``inputs`` that the daemon does not know."""
        gateway = copy(self)
        gateway._inputs = {**self._inputs, **inputs}
        return gateway

    @checked
    def solve(
        self,
        definition: Definition,
        *,
        evaluate: bool = False,
        cache_imports: Iterable[tuple[str, Mapping[str, str]]] = (),
    ) -> Ref:
        """Solve a definition and return a reference to its tree.

        The tree is built when it is needed, or at once with ``evaluate``.
        ``cache_imports`` are pairs of type and attributes. Raises CapabilityError if the daemon is
        too old for a step, and InvalidDefinitionError if the definition is too large for a message
        (16 MiB).
        """
        definition = self._shrink(definition)
        if self.caps.llb:
            caps.check(definition, self.caps.llb, "this BuildKit")
        request = pb.SolveRequest(
            Definition=definition.to_pb(),
            Evaluate=evaluate,
            CacheImports=[
                pb.CacheOptionsEntry(Type=kind, Attrs=attrs) for kind, attrs in cache_imports
            ],
        )
        return self._solve(request).ref or Ref("")

    @checked
    def solve_frontend(
        self,
        frontend: str,
        options: Mapping[str, str],
        *,
        inputs: Mapping[str, Definition] | None = None,
    ) -> Result:
        """Run another frontend with ``options``; it inherits no options of this build.

        Raises InvalidDefinitionError if the inputs are too large for a message (16 MiB).
        """
        messages = {
            name: self._shrink(definition).to_pb() for name, definition in (inputs or {}).items()
        }
        return self._solve(
            pb.SolveRequest(Frontend=frontend, FrontendOpt=options, FrontendInputs=messages)
        )

    def inputs(self) -> dict[str, Definition]:
        """Fetch the trees that the client passed to the frontend, by name."""
        if "frontend.inputs" not in self.caps.frontend:
            return dict(self._inputs)
        messages = self._bridge.call("Inputs", pb.InputsRequest(), pb.InputsResponse).Definitions
        for name, message in messages.items():
            if not message.metadata:
                reason = "invalid nil input definition to definition op"
                raise InvalidDefinitionError(reason, hint=f"the input {name} is empty")
        fetched = {name: Definition.from_pb(message) for name, message in messages.items()}
        return {**fetched, **self._inputs}

    @checked
    def read_file(self, ref: Ref, path: str, *, offset: int = 0, length: int = 0) -> bytes:
        """Read a file of any size from ``offset``, at most ``length`` bytes (0: all).

        Raises RemoteError, which is :func:`is_not_found` if the file is missing, and
        InvalidValueError for a negative offset or length.
        """

        def read(start: int, count: int) -> bytes:
            request = pb.ReadFileRequest(Ref=ref.id, FilePath=utf8.encode(path))
            request.Range.CopyFrom(pb.FileRange(Offset=start, Length=count))
            return self._bridge.call("ReadFile", request, pb.ReadFileResponse).Data

        return read_ranges(read, offset, length)

    @checked
    def stat_file(self, ref: Ref, path: str) -> FileStat:
        """Get the status of a file, for a link that of its target; raises like :meth:`read_file`."""
        request = pb.StatFileRequest(Ref=ref.id, Path=utf8.encode(path))
        return from_message(self._bridge.call("StatFile", request, pb.StatFileResponse).stat)

    @checked
    def read_dir(self, ref: Ref, path: str, *, pattern: str = "") -> tuple[FileStat, ...]:
        """List a directory by name; with ``pattern`` only entries that match it.

        Raises like :meth:`read_file`.
        """
        request = pb.ReadDirRequest(Ref=ref.id, DirPath=utf8.encode(path), IncludePattern=pattern)
        with one_message(f"list {path}", "list a part of it with a pattern"):
            entries = self._bridge.call("ReadDir", request, pb.ReadDirResponse).entries
        return tuple(map(from_message, entries))

    @checked
    def new_container(
        self,
        root: Ref,
        *,
        mounts: Iterable[RefMount | MountValue] = (),
        init: str | Sequence[str] | None = None,
        hostname: str = "",
        network: Network | NetworkName = "sandbox",
        security: Security | SecurityName = "sandbox",
        extra_hosts: Mapping[str, str] | None = None,
        platform: Platform | str | None = None,
    ) -> Container:
        """Create a container to run processes in, on a copy of the tree ``root``.

        Release it, or use it as a context manager. ``mounts`` are trees
        (:func:`llb.gateway.bind_ref`), :func:`llb.cache`, :func:`llb.tmpfs`, :func:`llb.secret` and
        :func:`llb.ssh`; writes to any but a cache end with the container. ``init`` is its first process, with which
        the container ends: use one that waits for the end of its input, which stays open, like
        ``["cat"]``. Without ``init``, the first started process is the first one. ``network`` is
        ``sandbox``, ``none``, or ``host`` if the client allows it; ``security`` is
        ``sandbox``, or ``insecure`` if the client allows it. ``extra_hosts`` maps names to
        IP addresses. ``platform`` selects the default PATH of processes.

        Builds the tree if necessary. Raises InvalidValueError, CapabilityError if the daemon is
        too old, and RemoteError for a secret or an agent that the client lacks.
        """
        return containers.new_container(
            self._bridge,
            root,
            mounts,
            init=init,
            hostname=hostname,
            network=network,
            security=security,
            extra_hosts=extra_hosts or {},
            platform=None if platform is None else platform_message(to_platform(platform)),
        )

    @checked
    def step_container(self, step: Definition) -> Container:
        """Create a container with the mounts and settings of the last process of a definition.

        Its trees are built, but not the process itself. Processes in the container inherit the
        variables, the working directory and the user of the step. Release the container, or use it
        as a context manager.

        Raises InvalidValueError if the definition does not end with a process, or for settings that
        only steps have (ulimits, a cgroup parent, devices); CapabilityError if the daemon is too
        old; and RemoteError if the trees cannot be built, and for a secret or an agent that the
        client lacks.
        """
        containers.check_cap(self._bridge, "gateway.exec")
        op = container_messages.process_of(step)
        trees = [
            Ref("")
            if mount.input < 0
            else self.solve(
                step.at(op.inputs[mount.input].digest, op.inputs[mount.input].index), evaluate=True
            )
            for mount in op.exec.mounts
        ]
        return containers.step_container(self._bridge, op, trees)

    @checked
    def resolve_image_config(
        self,
        ref: str,
        *,
        platform: Platform | None = None,
        resolve_mode: ResolveMode = "default",
        log_name: str = "",
        layout: tuple[str, str] | None = None,
    ) -> ResolvedImage:
        """Resolve the digest and config of an image in a registry.

        ``layout`` selects an image in an OCI layout of the client: the session ID and the name of
        the layout. Raises ReplacedError if a policy of the daemon replaces the source.
        """
        log_name = log_name or f"resolve image config for {ref}"
        if _META in self.caps.frontend:
            return self._resolve_source(ref, platform, resolve_mode, log_name, layout)
        request = pb.ResolveImageConfigRequest(Ref=ref, ResolveMode=resolve_mode, LogName=log_name)
        if layout is not None:
            request.ResolverType = _LAYOUT
            request.SessionID, request.StoreID = layout
        if platform is not None:
            request.Platform.CopyFrom(platform_message(platform))
        response = self._bridge.call("ResolveImageConfig", request, pb.ResolveImageConfigResponse)
        return ResolvedImage(response.Digest, response.Config, response.Ref or ref)

    def _resolve_source(
        self,
        ref: str,
        platform: Platform | None,
        resolve_mode: ResolveMode,
        log_name: str,
        layout: tuple[str, str] | None,
    ) -> ResolvedImage:
        source = ops_pb2.SourceOp(identifier=f"{DOCKER_IMAGE_SCHEME}{ref}")
        if layout is not None:
            source.identifier = f"{OCI_SCHEME}{ref}"
            source.attrs["oci.session"], source.attrs["oci.store"] = layout
        request = pb.ResolveSourceMetaRequest(
            Source=source, ResolveMode=resolve_mode, LogName=log_name
        )
        if platform is not None:
            request.Platform.CopyFrom(platform_message(platform))
        response = self._bridge.call("ResolveSourceMeta", request, pb.ResolveSourceMetaResponse)
        identifier = response.Source.identifier or source.identifier
        if not response.HasField("Image"):
            raise ReplacedError(f"a policy replaces {ref} with {identifier}", source=identifier)
        ref = identifier.partition("://")[2]
        return ResolvedImage(response.Image.Digest, response.Image.Config, ref)

    @checked
    def resolve_source(self, definition: Definition, *, log_name: str = "") -> SourceInfo:
        """Get the metadata of the only source of ``definition``; empty for anything else."""
        operations = [ops_pb2.Op.FromString(data) for data in definition.ops]
        sources = [op.source for op in operations if op.HasField("source")]
        if len(sources) != 1 or _META not in self.caps.frontend:
            return SourceInfo()
        request = pb.ResolveSourceMetaRequest(Source=sources[0], LogName=log_name)
        if sources[0].identifier.startswith(GIT_SCHEME):
            request.Git.ReturnObject = True
        response = self._bridge.call("ResolveSourceMeta", request, pb.ResolveSourceMetaResponse)
        has_time = response.HTTP.HasField("LastModified")
        try:
            modified = response.HTTP.LastModified.ToDatetime(UTC) if has_time else None
        except ValueError as error:
            raise TransportError("invalid time from the daemon") from error
        return SourceInfo(
            commit=response.Git.CommitObject,
            modified=modified,
            filename=sources[0].attrs.get("http.filename"),
        )

    @checked
    def warn(
        self,
        digest: str,
        message: str,
        *,
        detail: Iterable[str] = (),
        url: str = "",
        level: int = 1,
        location: Location | None = None,
    ) -> None:
        """Show a warning for the step with ``digest``; daemons without warnings ignore it.

        ``location`` is the source location that it is about.
        """
        if "gateway.warnings" not in self.caps.frontend:
            return
        request = pb.WarnRequest(
            digest=digest,
            level=level,
            short=message.encode(),
            detail=[line.encode() for line in detail],
            url=url,
        )
        if location is not None:
            request.info.CopyFrom(source_info(location.file))
            request.ranges.extend(map(range_message, location.ranges))
        self._bridge.call("Warn", request, pb.WarnResponse)

    @checked
    def return_result(self, result: Result) -> None:
        """Send the result to the daemon; call either this or :meth:`return_error`, once."""
        message = pb.Result(metadata=result.metadata)
        for key, attestations in result.attestations.items():
            message.attestations[key].CopyFrom(attestations)
        if result.refs:
            for key, ref in result.refs.items():
                message.refs.refs[key].id = ref.id
        else:
            message.ref.id = "" if result.ref is None else result.ref.id
            message.ref.SetInParent()
        self._bridge.call("Return", pb.ReturnRequest(result=message), pb.ReturnResponse)

    @checked
    def return_error(self, status: status_pb2.Status) -> None:
        """Fail the build with ``status``."""
        self._bridge.call("Return", pb.ReturnRequest(error=status), pb.ReturnResponse)

    def _solve(self, request: pb.SolveRequest) -> Result:
        request.allowResultReturn = True
        request.allowResultArrayRef = True
        with sending(request):
            message = self._bridge.call("Solve", request, pb.SolveResponse).result
        kind = message.WhichOneof("result")
        return Result(
            ref=_ref(message.ref) if kind == "ref" else None,
            refs={key: _ref(ref) for key, ref in message.refs.refs.items()},
            metadata=dict(message.metadata),
            attestations=dict(message.attestations),
        )


def _ref(message: pb.Ref) -> Ref:
    return Ref(message.id, getattr(message, "def") if message.HasField("def") else None)


@checked
def is_not_found(error: RemoteError) -> bool:
    """Check whether a read failed because the file is missing.

    BuildKit has no error code for this, so the operating system's error message decides.
    """
    return "no such file or directory" in error.message or "file does not exist" in error.message
