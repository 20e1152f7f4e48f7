"""The daemon keeps a failed step, which a container can inspect."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage

from llb._pb import gateway_pb2 as pb
from llb.errors import InvalidValueError, RemoteError
from llb.gateway import Gateway, Ref, failed_step
from tests.fakes.session import offered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.grpc import Handler, ServerCall

SERVICE = "/moby.buildkit.v1.frontend.LLBBridge/"
SOLVE = "github.com/moby/buildkit/errdefs.Solve+json"
EXEC = {
    "inputIDs": ["in"],
    "mountIDs": ["root", "cache"],
    "op": {
        "exec": {
            "meta": {
                "args": ["make"],
                "env": ["A=1"],
                "cwd": "/src",
                "user": "app",
                "hostname": "builder",
            },
            "mounts": [{"dest": "/"}, {"dest": "/cache", "readonly": True}],
            "network": "HOST",
            "secretenv": [{"ID": "token", "name": "TOKEN"}],
        },
        "platform": {"OS": "linux", "Architecture": "arm64"},
    },
}


def error(*details: tuple[str, Any]) -> RemoteError:
    """Build an error with details, by their types."""
    encoded = tuple(
        AnyMessage(type_url=kind, value=json.dumps(body).encode()).SerializeToString()
        for kind, body in details
    )
    return RemoteError("failed", code=2, details=encoded)


class Daemon:
    """A daemon that records the containers it creates."""

    def __init__(self) -> None:
        self.containers: list[pb.NewContainerRequest] = []
        self.failures: list[Any] = []

    def handlers(self) -> Mapping[str, Handler]:
        return {
            f"{SERVICE}Ping": self.ping,
            f"{SERVICE}NewContainer": self.new,
            f"{SERVICE}ReleaseContainer": self.release,
        }

    def ping(self, call: ServerCall) -> None:
        pong = pb.PongResponse()
        for name in ("", ".extrahosts", ".filesystem", ".secretenv", ".signals"):
            pong.FrontendAPICaps.add(ID=f"gateway.exec{name}", Enabled=True)
        call.send(pong.SerializeToString())

    def new(self, call: ServerCall) -> None:
        self.containers.append(pb.NewContainerRequest.FromString(call.receive() or b""))
        call.send(pb.NewContainerResponse().SerializeToString())

    def release(self, call: ServerCall) -> None:
        call.send(pb.ReleaseContainerResponse().SerializeToString())


def test_a_failed_process_has_its_command_and_trees() -> None:
    step = failed_step(error(("other", {}), (SOLVE, EXEC)))
    assert step is not None
    assert step.command == ("make",)
    assert (step.inputs, step.outputs) == ((Ref("in"),), (Ref("root"), Ref("cache")))


@pytest.mark.parametrize("details", [(), (("other", {}),), ((SOLVE, []),), ((SOLVE, {}),)])
def test_an_error_without_a_step_has_no_failed_step(details: tuple[tuple[str, Any], ...]) -> None:
    assert failed_step(error(*details)) is None


def test_only_the_nearest_step_counts() -> None:
    assert failed_step(error((SOLVE, {}), (SOLVE, EXEC))) is None


def test_a_container_has_the_settings_of_the_failed_process() -> None:
    step = failed_step(error((SOLVE, EXEC)))
    assert step is not None
    daemon = Daemon()
    with offered(daemon) as channel, step.container(Gateway(channel)):
        pass
    (request,) = daemon.containers
    assert [(mount.dest, mount.resultID, mount.readonly) for mount in request.Mounts] == [
        ("/", "root", False),
        ("/cache", "cache", True),
    ]
    assert (request.hostname, request.Network, request.platform.Architecture) == (
        "builder",
        1,
        "arm64",
    )


@pytest.mark.parametrize("op", [{"file": {}}, EXEC["op"]])
def test_a_step_without_a_process_has_no_container(op: Any) -> None:
    step = failed_step(error((SOLVE, {"op": op, "mountIDs": ["one"]})))
    assert step is not None
    with offered(Daemon()) as channel, pytest.raises(InvalidValueError) as caught:
        step.container(Gateway(channel))
    assert caught.value.message == "the step that failed ran no process"
