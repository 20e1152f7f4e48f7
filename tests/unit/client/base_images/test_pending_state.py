"""Clients resolve the base images of states in the builds themselves, and only if needed."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from llb import Definition, Image, Local, Scratch, State, bind, resolve_images
from llb.client import Client, image
from llb.client.base_images.pending_state import PendingState
from llb.errors import CapabilityError, InputError, RemoteError
from llb.gateway import Gateway, Request, Result
from llb.testing import FakeImages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llb.testing.daemon import FakeDaemon
    from llb.testing.fake_buildkit.builds import FakeBuild

    Make = Callable[..., FakeDaemon]

STATE = Image("alpine").run("make")
FILES = Image("alpine").mkfile("/x", "y")
NONROOT = Image("gcr.io/distroless/static:nonroot")


@pytest.fixture
def daemon(fake_daemon: Make) -> FakeDaemon:
    return fake_daemon()


@pytest.fixture
def client(daemon: FakeDaemon) -> Iterator[Client]:
    with Client(daemon.address) as client:
        yield client


def only(daemon: FakeDaemon) -> FakeBuild:
    (build,) = daemon.builds
    return build


def test_steps_inherit_their_base_image(client: Client, daemon: FakeDaemon) -> None:
    client.solve(NONROOT.run(["id"]), platform="linux/arm64")
    (run,) = [v for v in only(daemon).definitions[""].vertices() if v.kind == "exec"]
    meta = run.op["meta"]
    assert (meta["cwd"], meta["user"], run.platform) == ("/home/nonroot", "65532", "linux/arm64")
    assert "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt" in meta["env"]


def test_an_image_inherits_its_base_image(client: Client, daemon: FakeDaemon) -> None:
    state = NONROOT.mkfile("f", "x").cmd(["run"])
    client.solve(state, exports=[image("app")])
    result = only(daemon).result
    assert result is not None
    assert result.metadata == {
        "containerimage.config": resolve_images(state, FakeImages()).image_config()
    }
    assert json.loads(result.metadata["containerimage.config"])["config"]["User"] == "65532"


def test_a_state_without_base_images_is_sent_at_once(client: Client, daemon: FakeDaemon) -> None:
    pure = Image("alpine", inherit_config=False).run("make")
    client.solve(pure, exports=[image("app")])
    client.solve(FILES)
    client.solve(Scratch().copy(Image("alpine"), "/"), exports=[image("app")])
    assert [build.definition is not None for build in daemon.builds] == [True] * 3
    assert [build.result for build in daemon.builds] == [None] * 3


def test_the_images_of_inputs_are_inherited(fake_daemon: Make) -> None:
    requests: list[tuple[dict[str, str], dict[str, Definition]]] = []

    def frontend(request: Request, gateway: Gateway) -> Result:
        requests.append((dict(request.options), gateway.inputs()))
        return Result(gateway.solve(gateway.inputs()["base"]))

    base, files = NONROOT.run("x").cmd(["c"]), Scratch().mkfile("/a", "b")
    inputs: dict[str, State | Definition] = {"base": base, "files": files, "raw": FILES.marshal()}
    daemon = fake_daemon(frontends={"own": frontend})
    with Client(daemon.address) as client:
        attrs = {"a": "b", "input-metadata:base": "that of the state without its base"}
        client.solve(frontend="own", frontend_attrs=attrs, frontend_inputs=inputs)
    expected = resolve_images(base, FakeImages())
    ((options, received),) = requests
    assert {name: definition.ops for name, definition in received.items()} == {
        "base": expected.marshal().ops,
        "files": files.marshal().ops,
        "raw": FILES.marshal().ops,
    }
    assert options["a"] == "b"
    metadata = json.loads(options["input-metadata:base"])
    assert base64.b64decode(metadata["containerimage.config"]) == expected.image_config()
    assert only(daemon).definitions[""].ops == expected.marshal().ops


def test_the_images_of_the_inputs_of_a_function_are_inherited(
    client: Client, daemon: FakeDaemon
) -> None:
    def function(request: Request, gateway: Gateway) -> Result:
        config = json.loads(request.options["input-metadata:base"])["containerimage.config"]
        assert json.loads(base64.b64decode(config))["config"]["Cmd"] == ["c"]
        assert list(gateway.inputs()) == ["files", "base"]
        return Result(gateway.solve(gateway.inputs()["base"]))

    base = NONROOT.run("x").cmd(["c"])
    inputs: dict[str, State | Definition] = {"base": base, "files": Scratch().mkfile("/a", "b")}
    client.build(function, frontend_attrs={"a": "b"}, frontend_inputs=inputs)
    assert only(daemon).definitions[""].ops == resolve_images(base, FakeImages()).marshal().ops
    assert (list(only(daemon).inputs), only(daemon).frontend_attrs) == (["files"], {"a": "b"})


def test_an_image_build_inherits_the_base_images_of_its_contexts(fake_daemon: Make) -> None:
    requests: list[dict[str, str]] = []

    def frontend(request: Request, gateway: Gateway) -> Result:
        requests.append(dict(request.options))
        return Result(gateway.solve(gateway.inputs()["base"]))

    daemon = fake_daemon(frontends={"dockerfile.v0": frontend})
    with Client(daemon.address) as client:
        client.build_image({"Dockerfile": "FROM base"}, contexts={"base": NONROOT})
    (options,) = requests
    config = json.loads(options["input-metadata:base"])["containerimage.config"]
    assert json.loads(base64.b64decode(config))["config"]["User"] == "65532"


def test_trees_are_read_in_the_working_directory_of_their_image(fake_daemon: Make) -> None:
    daemon = fake_daemon(outputs={"run make": {"home/nonroot/x": "made"}})
    with Client(daemon.address) as client:
        assert client.read_file(NONROOT.run("make"), "x") == b"made"
    (run,) = [v for v in daemon.builds[0].definitions[""].vertices() if v.kind == "exec"]
    assert run.op["meta"]["user"] == "65532"


def test_inputs_without_base_images_are_sent_at_once(fake_daemon: Make) -> None:
    daemon = fake_daemon(frontends={"own": lambda _, gateway: Result()})
    with Client(daemon.address) as client:
        inputs = {"files": Scratch().mkfile("/a", "b")}
        client.solve(frontend="own", frontend_attrs={"a": "b"}, frontend_inputs=inputs)
    build = only(daemon)
    assert (build.frontend, build.frontend_attrs) == ("own", {"a": "b"})
    assert build.inputs["files"].ops == inputs["files"].marshal().ops


def test_the_caches_of_a_build_apply_to_its_state(client: Client, daemon: FakeDaemon) -> None:
    client.solve(STATE, cache_from=["type=registry,ref=example.com/c"])
    attrs = only(daemon).frontend_attrs
    assert json.loads(attrs["cache-imports"]) == [
        {"Type": "registry", "Attrs": {"ref": "example.com/c"}}
    ]


def test_a_missing_image_is_an_error_at_its_line(fake_daemon: Make) -> None:
    state = Image("missing").run("x")
    with Client(fake_daemon(images={}).address) as client, pytest.raises(RemoteError) as caught:
        client.solve(state)
    assert "docker.io/library/missing:latest" in caught.value.message
    span = caught.value.span
    assert span is not None
    assert span.text.splitlines()[span.line - 1].strip() == 'state = Image("missing").run("x")'


def test_a_missing_directory_is_named(client: Client) -> None:
    with pytest.raises(InputError, match="the build asks for the local directory 'src'"):
        client.solve(STATE.copy(Local("src"), "/"))


def test_a_missing_capability_is_named(fake_daemon: Make) -> None:
    state = STATE.requires("r", Scratch().mkfile("/x", "y"))
    with Client(fake_daemon(version="v0.20.0").address) as client, pytest.raises(CapabilityError):
        client.solve(state)


def test_the_mounts_of_further_steps_are_not_resolved() -> None:
    state = Scratch().mkfile("/x", "y").mount(bind(STATE, "/m"))
    assert PendingState(state, "linux/amd64").images == ()
