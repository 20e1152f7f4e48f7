"""The service that frontends speak to, ``LLBBridge``, of a daemon that runs nothing."""

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
"""What BuildKit offers to frontends since v0.23 and is answered here."""

_GATEWAY = "gateway.v0"
# The kind of resolver that reads OCI layouts.
_LAYOUTS = 1
_UNKNOWN, _UNIMPLEMENTED = 2, 12


@define(eq=False)
class World:
    """What there is for frontends, and what they asked of it.

    ``images`` and ``sources`` are what is known of sources, the latter by their identifiers;
    ``frontends`` other frontends by name, or by image for ``gateway.v0``, and ``errors`` what
    calls of a method fail with. ``calls`` has a line for each call, and ``definitions`` what the
    trees are of that were asked for, by reference.
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
        """Return the reference of a tree that is asked for."""
        with self._lock:
            is_tree = bool(getattr(request.Definition, "def"))
            ref = f"ref{len(self.definitions) + 1}" if is_tree else ""
            try:
                solve = to_solve(request, ref)
            except InvalidDefinitionError as error:
                raise RemoteError(str(error), code=_UNKNOWN) from error
            self.solves.append(solve)
            if ref and solve.definition is not None:
                self.definitions[ref] = solve.definition
            return ref

    def trees_of(self, result: Result) -> dict[str, Definition]:
        """Return the definitions of the trees of a result by platform, ``""`` for an only one."""
        refs = dict(result.refs) or {"": result.ref or Ref("")}
        return {name: self.definitions.get(each.id, Definition()) for name, each in refs.items()}

    def tree(self, ref: str) -> Tree:
        """Return the tree with a reference, which is built when it is first needed."""
        with self._lock:
            if ref not in self.definitions:
                known = " ".join(sorted(self.definitions))
                raise RemoteError(f"no such ref: {ref}, all [{known}]", code=_UNKNOWN)
            if ref not in self._trees:
                try:
                    self._trees[ref] = self.builder.tree(self.definitions[ref])
                except RemoteError as error:
                    self._trees[ref] = error
            found = self._trees[ref]
        if isinstance(found, RemoteError):
            raise RemoteError(
                found.message, code=found.code, details=found.details, hint=found.hint
            )
        return found

    def frontend(self, name: str, options: Mapping[str, str]) -> Frontend:
        """Return a frontend that another one asks for."""
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
            hint=f"give it with frontends={{{key!r}: FUNCTION}}",
        )


class Conversation:
    """One frontend's conversation: ``inputs`` are what it is given.

    ``last`` is its last word, once it has said it, and ``over`` is set then.
    """

    def __init__(self, world: World, inputs: Mapping[str, Definition] | None = None) -> None:
        self.world = world
        self.last: pb.ReturnRequest | None = None
        self.over = threading.Event()
        self._inputs = dict(inputs or {})

    def handle(self, call: ServerCall) -> None:
        """Answer a call, of any method of the service. Raises RemoteError."""
        name = call.method.removeprefix(SERVICE)
        if name not in _METHODS:
            raise RemoteError(f"unknown method {name}", code=_UNIMPLEMENTED)
        if name in self.world.errors:
            raise self.world.errors[name]
        kind, answer_to = _METHODS[name]
        request = kind.FromString(call.receive() or b"")
        call.send(answer_to(self, request).SerializeToString())

    @contextmanager
    def connected(self) -> Iterator[Gateway]:
        """Yield the frontend's end of the conversation, and end it afterwards."""
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
        """Have a frontend answer, and return the exception that it raised."""
        request = Request(options, self.world.session_id, self.world.platforms)
        with self.connected() as gateway:
            return answer(function, request, gateway, language=language)

    def result(self) -> pb.Result:
        """Return the result that the frontend gave; raises RemoteError with its error."""
        assert self.last is not None
        if self.last.HasField("error"):
            error = self.last.error
            details = tuple(each.SerializeToString() for each in error.details)
            raise RemoteError(error.message, code=error.code, details=details)
        return self.last.result

    def note(self, text: str) -> None:
        """Write down what was asked."""
        self.world.calls.append(text)

    def ping(self, _: pb.PingRequest) -> Message:
        """Tell what can be done."""
        self.note("Ping")
        pong = pb.PongResponse()
        for name in sorted(self.world.caps):
            pong.FrontendAPICaps.add(ID=name, Enabled=True)
        for name in sorted(self.world.llb_caps):
            pong.LLBCaps.add(ID=name, Enabled=True)
        return pong

    def inputs(self, _: pb.InputsRequest) -> Message:
        """Give the trees that the client gave."""
        self.note("Inputs")
        given = {name: each.to_pb() for name, each in self._inputs.items()}
        return pb.InputsResponse(Definitions=given)

    def solve(self, request: pb.SolveRequest) -> Message:
        """Take a definition, or have another frontend answer."""
        ref = self.world.add(request)
        self.note(f"Solve {request.Frontend or ref or 'scratch'}")
        if not request.Frontend:
            if request.Evaluate and ref:
                self.world.tree(ref)
            return pb.SolveResponse(result=pb.Result(ref=pb.Ref(id=ref)))
        options = dict(request.FrontendOpt)
        function = self.world.frontend(request.Frontend, options)
        inputs = {name: Definition.from_pb(each) for name, each in request.FrontendInputs.items()}
        nested = Conversation(self.world, inputs)
        nested.run(function, options)
        result = nested.result()
        for made in (result.ref, *result.refs.refs.values()):
            if (definition := self.world.definitions.get(made.id)) is not None:
                getattr(made, "def").CopyFrom(definition.to_pb())
        return pb.SolveResponse(result=result)

    def evaluate(self, request: pb.EvaluateRequest) -> Message:
        """Build a tree now."""
        self.note(f"Evaluate {request.Ref}")
        self.world.tree(request.Ref)
        return pb.EvaluateResponse()

    def read_file(self, request: pb.ReadFileRequest) -> Message:
        """Give the content of a file."""
        self.note(f"ReadFile {request.Ref} {request.FilePath}")
        part = slice(None)
        if request.HasField("Range"):
            part = slice(request.Range.Offset, request.Range.Offset + request.Range.Length)
        return pb.ReadFileResponse(Data=self.world.tree(request.Ref).read(request.FilePath, part))

    def stat_file(self, request: pb.StatFileRequest) -> Message:
        """Describe a file."""
        self.note(f"StatFile {request.Ref} {request.Path}")
        return pb.StatFileResponse(stat=self.world.tree(request.Ref).stat(request.Path))

    def read_dir(self, request: pb.ReadDirRequest) -> Message:
        """Describe what is in a directory."""
        self.note(f"ReadDir {request.Ref} {request.DirPath}")
        tree = self.world.tree(request.Ref)
        return pb.ReadDirResponse(entries=tree.list(request.DirPath, request.IncludePattern))

    def resolve_image_config(self, request: pb.ResolveImageConfigRequest) -> Message:
        """Give the config of an image."""
        kind = OCI_SCHEME if request.ResolverType == _LAYOUTS else DOCKER_IMAGE_SCHEME
        self.note(f"ResolveImageConfig {kind}{request.Ref}")
        found = self._image(kind, request.Ref, request)
        return pb.ResolveImageConfigResponse(
            Ref=request.Ref, Digest=found.Digest, Config=found.Config
        )

    def resolve_source(self, request: pb.ResolveSourceMetaRequest) -> Message:
        """Tell what is known of a source."""
        identifier = request.Source.identifier
        self.note(f"ResolveSourceMeta {identifier}")
        response = pb.ResolveSourceMetaResponse(Source=request.Source)
        for kind in (DOCKER_IMAGE_SCHEME, OCI_SCHEME):
            if identifier.startswith(kind):
                found = self._image(kind, identifier.removeprefix(kind), request)
                response.Image.CopyFrom(found)
                return response
        known = self.world.sources.get(identifier)
        if known is None:
            self.world.builder.unanswered.append(identifier)
            raise RemoteError(
                f"the fake daemon knows nothing of the source {identifier!r}",
                code=_UNIMPLEMENTED,
                hint=f"say it with sources={{{identifier!r}: SourceInfo(…)}}",
            )
        if identifier.startswith(GIT_SCHEME):
            response.Git.CommitObject = known.commit
        elif known.modified is not None:
            response.HTTP.LastModified.FromDatetime(known.modified)
        return response

    def warn(self, request: pb.WarnRequest) -> Message:
        """Take a warning."""
        self.note(f"Warn {request.short.decode()}")
        self.world.warnings.append(to_warned(request))
        return pb.WarnResponse()

    def end(self, request: pb.ReturnRequest) -> Message:
        """Take the frontend's last word."""
        self.note("Return")
        if self.last is not None:
            raise RemoteError("gateway result is already set", code=_UNKNOWN)
        self.last = request
        self.over.set()
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
        found = self.world.images.resolve_image_config(
            name, platform=platform or self.world.platforms[0]
        )
        return pb.ResolveSourceImageResponse(Digest=found.digest, Config=found.config)


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
"""What is answered."""


def to_result(message: pb.Result) -> Result:
    """Return a result out of its message."""
    return Result(
        ref=Ref(message.ref.id) if message.WhichOneof("result") == "ref" else None,
        # Maps of messages have no order.
        refs={key: Ref(message.refs.refs[key].id) for key in sorted(message.refs.refs)},
        metadata=dict(message.metadata),
        attestations=dict(message.attestations),
    )


def _platform(found: ops_pb2.Platform) -> Platform:
    return Platform(
        os=found.OS,
        architecture=found.Architecture,
        variant=found.Variant or None,
        os_version=found.OSVersion or None,
        os_features=tuple(found.OSFeatures),
    )
