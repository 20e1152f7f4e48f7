"""A fake ``LLBBridge``, the gateway service that frontends call."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import define, field

from llb import Definition, Platform, caps
from llb._pb import gateway_pb2 as pb
from llb._pb import ops_pb2
from llb.buildkit_names import DOCKER_IMAGE_SCHEME, GIT_SCHEME, OCI_SCHEME
from llb.errors import InvalidDefinitionError, RemoteError
from llb.gateway import Gateway, Ref, Request, Result, SourceInfo, answer
from llb.gocompat import utf8
from llb.grpc import Channel, Server, memory_pair
from llb.testing.fake_buildkit.records import Solve, Warned, to_solve, to_warned
from llb.testing.images import FakeImages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from google.protobuf.message import Message

    from llb.grpc import ServerCall
    from llb.testing.fake_buildkit.building import Builder
    from llb.testing.fake_buildkit.trees import Tree

    Frontend: TypeAlias = Callable[[Request, Gateway], Result]

SERVICE = "/moby.buildkit.v1.frontend.LLBBridge/"
CAPS = frozenset(
    (
        "frontend.caps",
        "frontend.inputs",
        "gateway.evaluate",
        "gateway.solve.evaluate",
        "gateway.solve.metadata",
        "gateway.warnings",
        "importcaches",
        "proto.refarray",
        "readdir",
        "readfile",
        "reference.attestations",
        "reference.output",
        "resolveimage",
        "resolveimage.resolvemode",
        "return",
        "returnmap",
        "solve.base",
        "solve.inlinereturn",
        "source.metaresolver",
        "statfile",
    )
)
"""The frontend capabilities of BuildKit v0.23 that this service implements."""

_GATEWAY = "gateway.v0"
# The resolver type for OCI layouts.
_OCI_LAYOUT = 1
_UNKNOWN, _UNIMPLEMENTED = 2, 12


@define(eq=False)
class DaemonState:
    """The images, sources and frontends of a fake daemon, and a record of the calls to it.

    ``sources`` are keyed by identifier, ``frontends`` by name, or by image for ``gateway.v0``,
    and ``errors`` by the method that fails. ``calls`` has a line for each call;
    ``definitions`` holds the definition of each solved reference.
    """

    builder: Builder
    images: FakeImages = field(factory=FakeImages)
    sources: Mapping[str, SourceInfo] = field(factory=dict)
    frontends: Mapping[str, Frontend] = field(factory=dict)
    errors: Mapping[str, RemoteError] = field(factory=dict)
    platforms: tuple[Platform, ...] = (Platform("linux", "amd64"),)
    session_id: str = ""
    caps: frozenset[str] = CAPS
    llb_caps: frozenset[str] = field(factory=lambda: frozenset(caps.known()))
    calls: list[str] = field(factory=list)
    solves: list[Solve] = field(factory=list)
    warnings: list[Warned] = field(factory=list)
    definitions: dict[str, Definition] = field(factory=dict)
    _trees: dict[str, Tree | RemoteError] = field(factory=dict)
    _lock: threading.RLock = field(factory=threading.RLock)

    def add(self, request: pb.SolveRequest) -> str:
        """Record a solve request and assign a reference to its tree."""
        with self._lock:
            is_tree = bool(getattr(request.Definition, "def"))
            ref = f"ref{len(self.definitions) + 1}" if is_tree else ""
            try:
                solve = to_solve(request, ref)
            except InvalidDefinitionError as error:
                raise RemoteError(error.message, code=_UNKNOWN) from error
            self.solves.append(solve)
            if ref and solve.definition is not None:
                self.definitions[ref] = solve.definition
            return ref

    def trees_of(self, result: Result) -> dict[str, Definition]:
        """Look up the definitions of a result by platform, or under ``""`` for a single one."""
        refs = dict(result.refs) or {"": result.ref or Ref("")}
        return {name: self.definitions.get(ref.id, Definition()) for name, ref in refs.items()}

    def tree(self, ref: str) -> Tree:
        """Look up the tree of a reference; build it on first use. Raises RemoteError."""
        with self._lock:
            if ref not in self.definitions:
                refs = " ".join(sorted(self.definitions))
                raise RemoteError(f"no such ref: {ref}, all [{refs}]", code=_UNKNOWN)
            if ref not in self._trees:
                try:
                    self._trees[ref] = self.builder.tree(self.definitions[ref])
                except RemoteError as error:
                    self._trees[ref] = error
            outcome = self._trees[ref]
        if isinstance(outcome, RemoteError):
            raise RemoteError(
                outcome.message, code=outcome.code, details=outcome.details, hint=outcome.hint
            )
        return outcome

    def frontend(self, name: str, options: Mapping[str, str]) -> Frontend:
        """Look up a frontend by name, or by image for ``gateway.v0``. Raises RemoteError."""
        key = name
        if name == _GATEWAY:
            if "source" not in options:
                raise RemoteError("no source specified for gateway", code=_UNKNOWN)
            key = options["source"]
        if key in self.frontends:
            return self.frontends[key]
        if name != _GATEWAY:
            raise RemoteError(f"invalid frontend: {name}", code=_UNKNOWN)
        self.builder.unanswered.append(f"the frontend {key}")
        raise RemoteError(
            f"the fake daemon has no frontend {key!r}",
            code=_UNIMPLEMENTED,
            hint=f"add it with frontends={{{key!r}: FUNCTION}}",
        )


class Conversation:
    """The conversation with one frontend, which receives ``inputs``.

    ``returned`` is its Return request, once it is sent; ``ended`` is set then.
    """

    def __init__(self, state: DaemonState, inputs: Mapping[str, Definition] | None = None) -> None:
        self.state = state
        self.returned: pb.ReturnRequest | None = None
        self.ended = threading.Event()
        self._inputs = dict(inputs or {})

    def handle(self, call: ServerCall) -> None:
        """Answer a call to any method of the service. Raises RemoteError."""
        name = call.method.removeprefix(SERVICE)
        if name not in _METHODS:
            raise RemoteError(f"unknown method {name}", code=_UNIMPLEMENTED)
        if name in self.state.errors:
            raise self.state.errors[name]
        kind, answer_to = _METHODS[name]
        request = kind.FromString(call.receive() or b"")
        call.send(answer_to(self, request).SerializeToString())

    @contextmanager
    def connected(self) -> Iterator[Gateway]:
        """Yield the frontend's end of the conversation, and close it afterwards."""
        here, there = memory_pair()
        server = Server(there, dict.fromkeys(METHODS, self.handle))
        serving = threading.Thread(target=server.serve, daemon=True)
        serving.start()
        channel = Channel(here)
        try:
            yield Gateway(channel)
        finally:
            channel.close()
            serving.join()

    def run(
        self, function: Frontend, options: Mapping[str, str], *, language: str = ""
    ) -> BaseException | None:
        """Run a frontend in this conversation; return the exception that it raised, if any."""
        request = Request(options, self.state.session_id, self.state.platforms)
        with self.connected() as gateway:
            return answer(function, request, gateway, language=language)

    def result(self) -> pb.Result:
        """Extract the result of the frontend. Raises RemoteError with the frontend's error."""
        assert self.returned is not None
        if self.returned.HasField("error"):
            error = self.returned.error
            details = tuple(detail.SerializeToString() for detail in error.details)
            raise RemoteError(error.message, code=error.code, details=details)
        return self.returned.result

    def note(self, call: str) -> None:
        """Record a call."""
        self.state.calls.append(call)

    def ping(self, _: pb.PingRequest) -> Message:
        """Report the capabilities."""
        self.note("Ping")
        pong = pb.PongResponse()
        for name in sorted(self.state.caps):
            pong.FrontendAPICaps.add(ID=name, Enabled=True)
        for name in sorted(self.state.llb_caps):
            pong.LLBCaps.add(ID=name, Enabled=True)
        return pong

    def inputs(self, _: pb.InputsRequest) -> Message:
        """Send the definitions of the client's inputs."""
        self.note("Inputs")
        definitions = {name: definition.to_pb() for name, definition in self._inputs.items()}
        return pb.InputsResponse(Definitions=definitions)

    def solve(self, request: pb.SolveRequest) -> Message:
        """Solve a definition, or run another frontend."""
        ref = self.state.add(request)
        self.note(f"Solve {request.Frontend or ref or 'scratch'}")
        if not request.Frontend:
            if request.Evaluate and ref:
                self.state.tree(ref)
            return pb.SolveResponse(result=pb.Result(ref=pb.Ref(id=ref)))
        options = dict(request.FrontendOpt)
        function = self.state.frontend(request.Frontend, options)
        inputs = {
            name: Definition.from_pb(message) for name, message in request.FrontendInputs.items()
        }
        nested = Conversation(self.state, inputs)
        nested.run(function, options)
        result = nested.result()
        for ref_message in (result.ref, *result.refs.refs.values()):
            if (definition := self.state.definitions.get(ref_message.id)) is not None:
                getattr(ref_message, "def").CopyFrom(definition.to_pb())
        return pb.SolveResponse(result=result)

    def evaluate(self, request: pb.EvaluateRequest) -> Message:
        """Build the tree of a reference."""
        self.note(f"Evaluate {request.Ref}")
        self.state.tree(request.Ref)
        return pb.EvaluateResponse()

    def read_file(self, request: pb.ReadFileRequest) -> Message:
        """Read a file, or a range of it."""
        path = utf8.decode(request.FilePath)
        self.note(f"ReadFile {request.Ref} {path}")
        byte_range = slice(None)
        if request.HasField("Range"):
            byte_range = slice(request.Range.Offset, request.Range.Offset + request.Range.Length)
        data = self.state.tree(request.Ref).read(path, byte_range)
        return pb.ReadFileResponse(Data=data)

    def stat_file(self, request: pb.StatFileRequest) -> Message:
        """Describe a file by its stat."""
        path = utf8.decode(request.Path)
        self.note(f"StatFile {request.Ref} {path}")
        return pb.StatFileResponse(stat=self.state.tree(request.Ref).stat(path))

    def read_dir(self, request: pb.ReadDirRequest) -> Message:
        """List a directory."""
        path = utf8.decode(request.DirPath)
        self.note(f"ReadDir {request.Ref} {path}")
        tree = self.state.tree(request.Ref)
        return pb.ReadDirResponse(entries=tree.list(path, request.IncludePattern))

    def resolve_image_config(self, request: pb.ResolveImageConfigRequest) -> Message:
        """Resolve the config of an image."""
        kind = OCI_SCHEME if request.ResolverType == _OCI_LAYOUT else DOCKER_IMAGE_SCHEME
        self.note(f"ResolveImageConfig {kind}{request.Ref}")
        image = self._image(kind, request.Ref, request)
        return pb.ResolveImageConfigResponse(
            Ref=request.Ref, Digest=image.Digest, Config=image.Config
        )

    def resolve_source(self, request: pb.ResolveSourceMetaRequest) -> Message:
        """Resolve the metadata of a source."""
        identifier = request.Source.identifier
        self.note(f"ResolveSourceMeta {identifier}")
        response = pb.ResolveSourceMetaResponse(Source=request.Source)
        for kind in (DOCKER_IMAGE_SCHEME, OCI_SCHEME):
            if identifier.startswith(kind):
                image = self._image(kind, identifier.removeprefix(kind), request)
                response.Image.CopyFrom(image)
                return response
        source = self.state.sources.get(identifier)
        if source is None:
            self.state.builder.unanswered.append(identifier)
            raise RemoteError(
                f"the fake daemon has no source {identifier!r}",
                code=_UNIMPLEMENTED,
                hint=f"add it with sources={{{identifier!r}: SourceInfo(…)}}",
            )
        if identifier.startswith(GIT_SCHEME):
            response.Git.CommitObject = source.commit
        elif source.modified is not None:
            response.HTTP.LastModified.FromDatetime(source.modified)
        return response

    def warn(self, request: pb.WarnRequest) -> Message:
        """Record a warning."""
        self.note(f"Warn {request.short.decode()}")
        self.state.warnings.append(to_warned(request))
        return pb.WarnResponse()

    def end(self, request: pb.ReturnRequest) -> Message:
        """Record the result of the frontend, and end the conversation."""
        self.note("Return")
        if self.returned is not None:
            raise RemoteError("gateway result is already set", code=_UNKNOWN)
        self.returned = request
        self.ended.set()
        return pb.ReturnResponse()

    def _image(
        self,
        kind: str,
        ref: str,
        request: pb.ResolveImageConfigRequest | pb.ResolveSourceMetaRequest,
    ) -> pb.ResolveSourceImageResponse:
        platform = _platform(request.Platform) if request.HasField("Platform") else None
        name = ref if kind == DOCKER_IMAGE_SCHEME else kind + ref
        if "@" not in name and ":" not in name.rpartition("/")[2]:
            raise RemoteError("object required", code=_UNKNOWN)
        image = self.state.images.resolve_image_config(
            name, platform=platform or self.state.platforms[0]
        )
        return pb.ResolveSourceImageResponse(Digest=image.digest, Config=image.config)


_METHODS: Mapping[str, tuple[type[Message], Callable[[Conversation, Any], Message]]] = {
    "Evaluate": (pb.EvaluateRequest, Conversation.evaluate),
    "Inputs": (pb.InputsRequest, Conversation.inputs),
    "Ping": (pb.PingRequest, Conversation.ping),
    "ReadDir": (pb.ReadDirRequest, Conversation.read_dir),
    "ReadFile": (pb.ReadFileRequest, Conversation.read_file),
    "ResolveImageConfig": (pb.ResolveImageConfigRequest, Conversation.resolve_image_config),
    "ResolveSourceMeta": (pb.ResolveSourceMetaRequest, Conversation.resolve_source),
    "Return": (pb.ReturnRequest, Conversation.end),
    "Solve": (pb.SolveRequest, Conversation.solve),
    "StatFile": (pb.StatFileRequest, Conversation.stat_file),
    "Warn": (pb.WarnRequest, Conversation.warn),
}

METHODS = tuple(SERVICE + name for name in _METHODS)
"""The full names of the implemented methods."""


def to_result(message: pb.Result) -> Result:
    """Convert the message of a result."""
    return Result(
        ref=Ref(message.ref.id) if message.WhichOneof("result") == "ref" else None,
        # Protobuf maps have no order.
        refs={key: Ref(message.refs.refs[key].id) for key in sorted(message.refs.refs)},
        metadata=dict(message.metadata),
        attestations=dict(message.attestations),
    )


def _platform(message: ops_pb2.Platform) -> Platform:
    return Platform(
        os=message.OS,
        architecture=message.Architecture,
        variant=message.Variant or None,
        os_version=message.OSVersion or None,
        os_features=tuple(message.OSFeatures),
    )
