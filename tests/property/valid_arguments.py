"""Valid arguments for the required parameters of public functions, and receivers for methods."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import llb
from llb.bake import Plan
from llb.client import AsyncClient, Client
from llb.client.caches import Cache
from llb.client.imagetools import Descriptor
from llb.compare import compare
from llb.dockerfile import ConvertOptions, parse
from llb.errors import RemoteError
from llb.frontend import Source
from llb.gateway import Gateway, Ref, Request, Result
from llb.grpc import Channel, memory_pair
from llb.testing import Failed, FakeDaemon, FakeGateway, FakeImage, FakeImages, step

if TYPE_CHECKING:
    import inspect
    from collections.abc import Mapping

    from tests.property.public_functions import PublicFunction

STATE = llb.Image("alpine").run("true", mounts=[llb.bind(llb.Scratch(), "/a")])
MOUNTED = STATE.mount(llb.cache("/a"))
DEFINITION = STATE.marshal(platform="linux/amd64")
VERTEX = DEFINITION.vertices()[0]
PLATFORM = llb.Platform("linux", "amd64")
SOURCE_FILE = llb.SourceFile("a.py", b"x\n")
FOLDER = Path(tempfile.gettempdir())
DIGEST = f"sha256:{'0' * 64}"
CONFIG = llb.ImageConfig(platform=PLATFORM)
FAILURE = RemoteError("no", code=2)


def nothing(*_: Any) -> None:
    """Do nothing."""


# By function and parameter, or by parameter.
VALUES: Mapping[str, Any] = {
    "Annotation.platform": None,
    "BuildKitContainer.name": "a",
    "Cache.type": "inline",
    "Check.find": nothing,
    "Build.frontend.source": "dockerfile.v0",
    "PlatformImage.config": CONFIG.to_json(),
    "Client.build.function": lambda *_: Result(),
    "Client.solve.what": STATE,
    "FakeGateway.run.function": lambda *_: Result(),
    "run_frontend.function": lambda *_: Result(),
    "ConvertOptions.parse_platform.text": "linux/amd64",
    "Definition.from_bytes.data": DEFINITION.to_bytes(),
    "Export.type": "image",
    "ImageBlob.ref": f"a@{DIGEST}",
    "ImageConfig.from_json.data": CONFIG.to_json(),
    "ImageConfig.with_platform.platform": PLATFORM,
    "ImageTable.from_json.text": "{}",
    "Language.checks": (),
    "Location.ranges": (llb.Range(1, 1),),
    "NewInstruction.convert": nothing,
    "NewInstruction.name": "HELLO",
    "OCILayout.ref": f"a@{DIGEST}",
    "OCILayoutBlob.ref": f"a@{DIGEST}",
    "Platform.architecture": "amd64",
    "Platform.os": "linux",
    "Platform.parse.text": "linux/amd64",
    "Reference.domain": "docker.io",
    "State.ulimit.name": "nofile",
    "State.unmount.target": "/a",
    "State.with_image_config.config": CONFIG.to_json(),
    "Ulimit.name": "nofile",
    "clone.repository": STATE,
    "fetch.urls": "https://a/b",
    "ImageTable.images": {},
    "ResolvedImage.config": CONFIG.to_json(),
    "convert_parsed.parsed": parse(b"FROM scratch", "Dockerfile"),
    "failed_step.error": FAILURE,
    "parse.text": b"FROM a",
    "to_dockerfile.tree": STATE,
    "from_stage.tree": STATE,
    "convert.text": "FROM scratch",
    "rewrite.data": "FROM scratch",
    "write.files": {"a": "b"},
    "expose.ports": "80",
    "parse_export.text": "type=image",
    "step.text": "true",
    "assert_before.first": "alpine",
    "assert_before.then": "true",
    "assert_runs.command": "true",
    "assert_deterministic.factory": lambda: STATE,
    "actions": llb.mkdir("/a"),
    "build": STATE,
    "command": "true",
    "comparison": compare(DEFINITION, DEFINITION),
    "config": CONFIG,
    "context": {"Dockerfile": b"FROM scratch"},
    "definition": DEFINITION,
    "dest": "/a",
    "destination": FOLDER / "never-written",
    "digest": DIGEST,
    "error": FAILURE,
    "factory": lambda: STATE,
    "file": SOURCE_FILE,
    "folder": FOLDER,
    "function": nothing,
    "host": "a",
    "image_config": CONFIG.to_json(),
    "ip": "10.0.0.1",
    "network": "host",
    "new": DEFINITION,
    "newpath": "/b",
    "old": DEFINITION,
    "oldpath": "/a",
    "onto": STATE,
    "base": STATE,
    "output": "/a",
    "path": "/a",
    "platform": PLATFORM,
    "port": 80,
    "proxy": llb.ProxyEnv(),
    "ref": "alpine",
    "repository": STATE,
    "security": "sandbox",
    "shell": ("sh", "-c"),
    "source": STATE,
    "state": STATE,
    "states": (STATE, STATE.run("b")),
    "target": "/a",
    "tree": {"a": "b"},
    "url": "https://a/b",
    "upper": STATE,
    "lower": STATE,
    "other": STATE,
    "test": ("CMD", "true"),
    "vertex": VERTEX,
}

# Functions that would connect, serve, start a program or load one: only refusals are called.
NOTHING_TO_CALL = frozenset(
    {
        # The methods of AsyncClient are those of Client.
        *(f"llb.client.AsyncClient.{name}" for name in vars(AsyncClient)),
        "llb.bake.build",
        "llb.client.BuildKitContainer.start",
        "llb.client.Client",
        "llb.client.Client.any",
        "llb.client.build_image",
        "llb.client.docker_py.build",
        "llb.client.wait_for_ready",
        "llb.frontend.build_in_process",
        "llb.frontend.kit.load",
        "llb.frontend.kit.pack",
        "llb.frontend.kit.pack_builtin",
        "llb.frontend.serve",
        "llb.frontend.serve_dockerfile",
        "llb.gateway.Gateway",
        "llb.gateway.answer",
        "llb.gateway.serve",
        "llb.grpc.Channel",
        "llb.grpc.Channel.call",
        "llb.grpc.Channel.stream",
        "llb.grpc.DescriptorPipe",
        "llb.grpc.Server",
        "llb.grpc.socket_pipe",
        "llb.grpc.stdio_pipe",
        "llb.testing.FakeDaemon",
        "llb.testing.FakeGateway",
        "llb.testing.assert_deterministic",
    }
)


def value_of(function: PublicFunction, parameter: inspect.Parameter) -> Any:
    """Find a valid argument for a parameter."""
    key = f"{function.name}.{parameter.name}"
    if key in VALUES:
        return VALUES[key]
    annotation = parameter.annotation.removeprefix("ops.").partition(" |")[0]
    if annotation in _BY_CLASS:
        return _BY_CLASS[annotation]
    if annotation.startswith(("Mapping", "dict")):
        return VALUES.get(parameter.name, {})
    if annotation.startswith(("Iterable", "tuple")):
        return VALUES.get(parameter.name, ())
    return VALUES.get(parameter.name, _PLAIN.get(annotation))


_PLAIN: Mapping[str, Any] = {"str": "a", "int": 1, "bytes": b"a", "object": "a", "P_.args": "a"}
_BY_CLASS: Mapping[str, Any] = {
    "Build": STATE,
    "Callable[Concatenate[State, P_], T_]": nothing,
    "Calls": object.__new__(Channel),
    "Client": object.__new__(Client),
    "ConvertOptions": ConvertOptions(),
    "Descriptor": Descriptor("application/json", DIGEST, 1),
    "Frontend": nothing,
    "Function": nothing,
    "Gateway": object.__new__(Gateway),
    "ImageResolver": FakeImages(),
    "Pipe": memory_pair()[0],
    "Plan": Plan(),
    "Ref": Ref("a"),
    "Request": Request(),
    "Resolve": lambda _: {},
    "Resolver": lambda _: llb.ResolvedImage(DIGEST, CONFIG.to_json()),
    "State": STATE,
}


class Receivers:
    """The objects whose methods are called: values, a client of a fake daemon, a fake gateway."""

    def __enter__(self) -> Self:
        """Start the fake daemon and the fake gateway."""
        self._stack = ExitStack()
        daemon = self._stack.enter_context(FakeDaemon())
        client = self._stack.enter_context(Client(daemon.address))
        gateway = self._stack.enter_context(FakeGateway())
        self._receivers = {
            "AsyncClient": AsyncClient.from_client(client),
            "Cache": Cache("inline"),
            "Client": client,
            "ConvertOptions": ConvertOptions(),
            "Definition": DEFINITION,
            "Failed": Failed(),
            "FakeGateway": gateway,
            "FakeImage": FakeImage(),
            "FakeImages": FakeImages(),
            "Gateway": gateway.connect(),
            "ImageConfig": CONFIG,
            "Platform": PLATFORM,
            "Reference": llb.Reference.parse("alpine"),
            "Request": Request(),
            "Result": Result(),
            "Source": Source(SOURCE_FILE),
            "State": MOUNTED,
            "Step": step(STATE, "true"),
        }
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the fakes."""
        self._stack.close()

    def has(self, function: PublicFunction) -> bool:
        """Check whether the function can be called with valid arguments."""
        return not function.takes_self or not function.owner or function.owner in self._receivers

    def of(self, function: PublicFunction) -> Any:
        """Find the object to call a method of; any will do to see a refusal."""
        if function.kind is not None:
            return object.__new__(function.kind)
        receiver = self._receivers.get(function.owner, object())
        takes_class = next(iter(function.signature.parameters)) == "cls"
        return type(receiver) if takes_class and not isinstance(receiver, type) else receiver
