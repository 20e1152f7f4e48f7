"""Containers of a Docker by the Engine API: their states, output, and a process in one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.client.connect.docker.containers import Containers, dial_buildctl
from llb.client.connect.docker.contexts import Endpoint
from llb.client.connect.docker.engine import Docker, Engine
from llb.client.connect.docker.errors import AnswerError
from llb.errors import TransportError
from tests.fakes.docker_engine import STDERR, FakeDockerEngine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDockerEngine]:
    with FakeDockerEngine(tmp_path / "docker.sock") as fake:
        yield fake


@pytest.fixture
def containers(fake: FakeDockerEngine) -> Iterator[Containers]:
    with Engine(Docker(Endpoint(fake.address))) as engine:
        yield Containers(engine)


def dial_error(fake: FakeDockerEngine) -> TransportError:
    with pytest.raises(TransportError) as caught:
        dial_buildctl(Docker(Endpoint(fake.address)), "builder").read()
    return caught.value


def test_a_container_is_created_started_stopped_and_removed(
    fake: FakeDockerEngine, containers: Containers
) -> None:
    assert containers.state("builder") is None
    containers.create("builder", "moby/buildkit", {"Privileged": True})
    assert containers.state("builder") == "created"
    containers.start("builder")
    assert containers.state("builder") == "running"
    containers.stop("builder")
    containers.remove("builder")
    containers.remove_volume("cache")
    assert [(call.method, call.target) for call in fake.calls] == [
        ("POST", "/containers/create?name=builder"),
        ("POST", "/containers/builder/start"),
        ("POST", "/containers/builder/stop"),
        ("DELETE", "/containers/builder?force=1"),
        ("DELETE", "/volumes/cache?force=1"),
    ]
    assert fake.calls[0].content == {
        "Image": "moby/buildkit",
        "HostConfig": {"Privileged": True},
    }


def test_a_container_is_not_found_by_the_start_of_its_id(
    fake: FakeDockerEngine, containers: Containers
) -> None:
    answer = b'{"Name": "/other", "State": {"Status": "running"}}'
    fake.answers["/containers/abc/json"] = (200, answer)
    assert containers.state("abc") is None


def test_a_container_that_another_program_has_created_is_used(
    fake: FakeDockerEngine, containers: Containers
) -> None:
    fake.answers["/containers/create"] = (409, b'{"message": "the name is in use"}')
    containers.create("builder", "moby/buildkit", {})


def test_other_errors_of_docker_are_raised(fake: FakeDockerEngine, containers: Containers) -> None:
    for path in ("/containers/create", "/containers/builder/json"):
        fake.answers[path] = (500, b'{"message": "no space left on device"}')
    with pytest.raises(AnswerError, match="no space left on device"):
        containers.create("builder", "moby/buildkit", {})
    with pytest.raises(AnswerError, match="no space left on device"):
        containers.state("builder")


def test_the_output_of_a_container_has_both_streams(
    fake: FakeDockerEngine, containers: Containers
) -> None:
    fake.states["builder"] = "exited"
    assert containers.log("builder", 10) == ["no runc", "giving up"]
    assert fake.targets[-1].endswith("/containers/builder/logs?stdout=1&stderr=1&tail=10")


def test_a_process_needs_a_container_that_runs(fake: FakeDockerEngine) -> None:
    error = dial_error(fake)
    assert error.message == f"{fake.address}: no container 'builder'"
    assert str(error.hint) == "create it with BuildKitContainer('builder').start()"
    fake.states["builder"] = "exited"
    error = dial_error(fake)
    assert error.message == f"{fake.address}: the container 'builder' is not running"
    assert str(error.hint) == "start it with BuildKitContainer('builder').start()"


def test_another_refusal_of_docker_is_the_reason(fake: FakeDockerEngine) -> None:
    path = "/containers/builder/exec"
    fake.answers[path] = (409, b'{"message": "the container is paused"}')
    assert dial_error(fake).message == f"{fake.address}: the container is paused"


def test_the_error_of_a_process_that_fails_has_its_output(fake: FakeDockerEngine) -> None:
    fake.states["builder"] = "running"
    fake.output = [(STDERR, b"no buildkitd.sock")]
    fake.exit_code = 1
    assert "no buildkitd.sock" in dial_error(fake).message


def test_a_docker_that_ends_with_the_process_gives_no_exit_code(fake: FakeDockerEngine) -> None:
    fake.states["builder"] = "running"
    fake.output = []
    fake.answers["/exec/e1/json"] = (500, b'{"message": "shutting down"}')
    pipe = dial_buildctl(Docker(Endpoint(fake.address)), "builder")
    assert pipe.read() == b""
