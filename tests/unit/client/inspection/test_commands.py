"""Processes run in a tree with the settings of its state, here on fake daemons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from llb import Image, ImageConfig, Platform, ProxyEnv, Scratch, bind, cache, files, secret, tmpfs
from llb._pb import gateway_pb2 as pb
from llb.client import Client, SolveResult
from llb.client.inspection import commands
from llb.errors import CapabilityError, InvalidValueError, ProcessError
from llb.gateway import Completed, Gateway, Request, Result
from llb.testing.images import FakeImage
from tests.fakes.containers import FakeContainers
from tests.fakes.session import offered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb import Definition, State
    from llb.client.inspection.commands import RunSettings
    from llb.grpc import Handler, ServerCall
    from llb.testing.daemon import FakeDaemon

SERVICE = "/moby.buildkit.v1.frontend.LLBBridge/"
ALPINE = Image("alpine", inherit_config=False)
NOTHING: RunSettings = {
    "env": None,
    "workdir": None,
    "user": None,
    "mounts": (),
    "shell": None,
    "network": None,
    "security": None,
}


class Daemon(FakeContainers):
    """A daemon with containers that counts the trees it solves."""

    def __init__(self) -> None:
        super().__init__()
        self.solved: list[pb.SolveRequest] = []

    def handlers(self) -> Mapping[str, Handler]:
        return {**super().handlers(), f"{SERVICE}Solve": self._solve}

    def _solve(self, call: ServerCall) -> None:
        self.solved.append(pb.SolveRequest.FromString(call.receive() or b""))
        ref = pb.Ref(id=f"tree{len(self.solved)}")
        call.send(pb.SolveResponse(result=pb.Result(ref=ref)).SerializeToString())


def run(
    daemon: Daemon,
    tree: State | Definition,
    *args: str,
    script: str | None = None,
    input: bytes | str | None = None,  # noqa: A002 - as in the function
    check: bool = True,
    **settings: Any,
) -> Completed:
    """Run a command in a tree on the daemon, without a client."""
    with offered(daemon) as channel:

        def build(function: Callable[[Request, Gateway], Result], **_: Any) -> SolveResult:
            function(Request({}, "session", ()), Gateway(channel))
            return SolveResult()

        return commands.run(
            build,
            tree,
            args if script is None else script,
            input=input,
            check=check,
            platform="linux/arm64",
            settings=cast("RunSettings", {**NOTHING, **settings}),
            options={},
        )


def test_the_output_of_a_process_is_returned() -> None:
    daemon = Daemon()
    assert run(daemon, ALPINE, "cat", input="é") == Completed(("cat",), 0, "é".encode(), b"")
    assert run(daemon, ALPINE, "cat", input=b"1").stdout_text == "1"
    assert len(daemon.released) == 2


def test_a_failed_process_is_an_error_unless_it_is_not_checked() -> None:
    daemon = Daemon()
    with pytest.raises(ProcessError) as caught:
        run(daemon, ALPINE, "exit", "3", "sorry")
    assert (caught.value.exit_code, caught.value.stderr) == (3, b"sorry\n")
    completed = run(daemon, ALPINE, "exit", "3", "sorry", check=False)
    assert (completed.exit_code, completed.stderr_text) == (3, "sorry\n")
    assert len(daemon.released) == 2


def test_a_process_has_the_settings_of_its_state() -> None:
    state = (
        ALPINE.env("A", "1")
        .workdir("/src")
        .user("app")
        .hostname("builder")
        .network("none")
        .security("insecure")
        .extra_host("site", "1.2.3.4")
        .proxy(ProxyEnv(http_proxy="http://proxy"))
        .mount(bind(files({"a": "1"}), "/data", readonly=True))
    )
    daemon = Daemon()
    mounts = [cache("/cache"), tmpfs("/tmp"), secret("token", env="TOKEN"), secret("key")]
    run(daemon, state, "exit", "0", env={"B": "2"}, mounts=mounts)
    # The check of the secrets has a container with an empty root.
    (container,) = [request for request in daemon.containers if request.Mounts[0].resultID]
    (init,) = daemon.inits
    assert [(mount.dest, mount.resultID, mount.readonly) for mount in container.Mounts] == [
        ("/", "tree1", False),
        ("/cache", "", False),
        ("/data", "tree2", True),
        ("/tmp", "", False),
        ("/run/secrets/key", "", False),
    ]
    assert (container.hostname, container.Network, container.platform.Architecture) == (
        "builder",
        pb.DESCRIPTOR.pool.FindEnumTypeByName("pb.NetMode").values_by_name["NONE"].number,
        "arm64",
    )
    assert [(host.Host, host.IP) for host in container.extraHosts] == [("site", "1.2.3.4")]
    variables = [line for line in init.Meta.env if not line.startswith("PATH=")]
    assert variables == ["A=1", "B=2", "HTTP_PROXY=http://proxy", "http_proxy=http://proxy"]
    assert (init.Meta.cwd, init.Meta.user, init.Security) == ("/src", "app", 1)
    assert [(entry.ID, entry.name) for entry in init.secretenv] == [("token", "TOKEN")]
    assert [request.Evaluate for request in daemon.solved] == [True, True]


def test_a_process_inherits_the_base_image_of_its_state() -> None:
    class Resolving(Daemon):
        """A daemon with one image, which has a shell and a user of its own."""

        def handlers(self) -> Mapping[str, Handler]:
            return {**super().handlers(), f"{SERVICE}ResolveImageConfig": self._resolve}

        def _resolve(self, call: ServerCall) -> None:
            request = pb.ResolveImageConfigRequest.FromString(call.receive() or b"")
            config = ImageConfig(user="app", shell=("exit",))
            image = FakeImage(config, (("PATH", "/go/bin"),), "/src")
            data = image.to_json(Platform("linux", request.Platform.Architecture))
            answer = pb.ResolveImageConfigResponse(Digest=f"sha256:{'1' * 64}", Config=data)
            call.send(answer.SerializeToString())

    daemon = Resolving()
    done = run(daemon, Image("golang").workdir("lib"), script="0")
    (init,) = daemon.inits
    assert (done.command, list(init.Meta.args)) == (("exit", "0"), ["exit", "0"])
    assert list(init.Meta.env) == ["PATH=/go/bin"]
    assert (init.Meta.cwd, init.Meta.user) == ("/src/lib", "app")


def test_arguments_override_the_settings_of_the_state() -> None:
    daemon = Daemon()
    state = ALPINE.env("A", "1").workdir("/src").user("app")
    run(daemon, state, "exit", "0", env={"A": "2"}, workdir="lib", user="0", network="none")
    (init,) = daemon.inits
    assert (init.Meta.cwd, init.Meta.user) == ("/src/lib", "0")
    assert "A=2" in init.Meta.env


def test_a_definition_is_a_tree(fake_daemon: Callable[..., FakeDaemon]) -> None:
    daemon = Daemon()
    with offered(daemon) as channel:

        def build(function: Callable[[Request, Gateway], Result], **_: Any) -> SolveResult:
            function(Request({}, "session", ()), Gateway(channel))
            return SolveResult()

        commands.run(
            build,
            ALPINE.run("make").marshal(platform="linux/amd64"),
            ["exit", "0"],
            input=None,
            check=True,
            platform=None,
            settings=NOTHING,
            options={},
        )
    assert [mount.resultID for mount in daemon.containers[0].Mounts] == ["tree1"]
    assert daemon.containers[0].platform.Architecture == "amd64"


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (ALPINE.ulimit("nofile", 1, 2), "a container has no ulimits"),
        (ALPINE.cgroup_parent("/a"), "a container has no cgroup parent"),
        (ALPINE.mount(tmpfs("/tmp", size=1)), "a container has no tmpfs sizes"),
    ],
)
def test_settings_that_only_steps_have_are_refused(tree: State, message: str) -> None:
    daemon = Daemon()
    with pytest.raises(InvalidValueError) as caught:
        run(daemon, tree, "exit", "0")
    assert caught.value.message == message
    assert (daemon.solved, daemon.containers) == ([], [])


def test_a_process_needs_arguments() -> None:
    with pytest.raises(InvalidValueError, match=r"^invalid arguments \(\): expected a sequence"):
        run(Daemon(), ALPINE)


def test_a_container_needs_a_definition_that_ends_with_a_process() -> None:
    with offered(Daemon()) as channel:
        for state in (Scratch(), ALPINE):
            with pytest.raises(InvalidValueError, match="expected a definition that ends with a"):
                Gateway(channel).step_container(state.marshal())


def test_a_daemon_without_containers_is_a_capability_error(
    fake_daemon: Callable[..., FakeDaemon],
) -> None:
    daemon = fake_daemon()
    with Client(daemon.address) as client, pytest.raises(CapabilityError) as caught:
        client.run(ALPINE, "true")
    assert caught.value.message == ("this BuildKit does not support containers of frontends")
