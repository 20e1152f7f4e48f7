"""A BuildKit container in Docker is created, started, stopped and removed."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from llb.buildkit_names import BUILDKIT_IMAGE
from llb.client import Event, Vertex
from llb.client.container import BuildKitContainer
from llb.errors import ConnectError, InputError, InvalidValueError
from tests.fakes.command import llb
from tests.fakes.docker_engine import Call, current_docker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.testing.daemon import FakeDaemon
    from tests.fakes.docker_engine import FakeDockerEngine

NAME = "builder"
ADDRESS = f"docker-container://{NAME}"
START = Call("POST", f"/containers/{NAME}/start")


def created(image: str, network: str = "default") -> Call:
    """The call that creates the container."""
    host_config = {
        "Privileged": True,
        "NetworkMode": network,
        "Mounts": [{"Type": "volume", "Source": f"{NAME}_state", "Target": "/var/lib/buildkit"}],
    }
    content = {"Image": image, "HostConfig": host_config}
    return Call("POST", f"/containers/create?name={NAME}", content)


@pytest.fixture
def docker(
    fake_daemon: Callable[..., FakeDaemon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeDockerEngine]:
    """A Docker at DOCKER_HOST, on a machine without its program."""
    monkeypatch.setenv("PATH", "/nonexistent")
    daemon = fake_daemon(version="v0.31.0")
    with current_docker(tmp_path, monkeypatch, daemon.address) as engine:
        yield engine


def test_a_missing_container_is_created(docker: FakeDockerEngine) -> None:
    with BuildKitContainer(NAME).start() as client:
        assert (client.address, client.info().version) == (ADDRESS, "v0.31.0")
    assert docker.calls == [created(BUILDKIT_IMAGE), START]
    # Every call has the version of the API that both sides know.
    assert {target.split("/")[1] for target in docker.targets} == {"_ping", "v1.41"}


def test_a_container_is_created_with_its_image_and_network(docker: FakeDockerEngine) -> None:
    BuildKitContainer(NAME, image="example.com/buildkit", network="host").start().close()
    assert docker.calls == [created("example.com/buildkit", "host"), START]


def test_an_image_that_docker_lacks_is_pulled_with_credentials(
    docker: FakeDockerEngine, tmp_path: Path
) -> None:
    docker.images = set()
    auth = base64.b64encode(b"me:secret").decode()
    config = {"auths": {"example.com": {"auth": auth}}}
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.json").write_text(json.dumps(config))
    events: list[Event] = []
    image = "example.com/buildkit"
    BuildKitContainer(NAME, image=image).start(on_event=events.append).close()
    pull = Call("POST", f"/images/create?fromImage={image}&tag=latest")
    assert [call.target for call in docker.calls] == [
        created(image).target,
        pull.target,
        created(image).target,
        START.target,
    ]
    sent = docker.calls[1].auth
    assert sent is not None
    assert json.loads(base64.urlsafe_b64decode(sent)) == {
        "username": "me",
        "password": "secret",
        "serveraddress": "example.com",
    }
    steps = [event for event in events if isinstance(event, Vertex)]
    assert {step.name for step in steps} == {f"pull {image}:latest"}
    assert steps[-1].completed is not None


@pytest.mark.parametrize(
    ("state", "calls"), [("running", []), ("exited", [START]), ("created", [START])]
)
def test_an_existing_container_is_started_unless_it_runs(
    docker: FakeDockerEngine, state: str, calls: list[Call]
) -> None:
    docker.states[NAME] = state
    BuildKitContainer(NAME).start().close()
    assert docker.calls == calls


def test_an_exited_container_is_an_error_with_its_last_log_lines(docker: FakeDockerEngine) -> None:
    docker.next_state = "exited"
    with pytest.raises(InputError) as caught:
        BuildKitContainer(NAME).start()
    assert caught.value.message == (
        "the container builder ended before a BuildKit answered: no runc / giving up"
    )


@pytest.mark.parametrize(("state", "was_running"), [("running", True), ("exited", False)])
def test_a_container_is_stopped(docker: FakeDockerEngine, state: str, *, was_running: bool) -> None:
    docker.states[NAME] = state
    assert BuildKitContainer(NAME).stop() is was_running
    stop = Call("POST", f"/containers/{NAME}/stop")
    assert (docker.states[NAME], docker.calls) == ("exited", [stop] * was_running)


def test_a_container_is_removed_with_its_cache(docker: FakeDockerEngine) -> None:
    assert not BuildKitContainer(NAME).remove()
    docker.states[NAME] = "running"
    assert BuildKitContainer(NAME).remove()
    assert docker.calls == [
        Call("DELETE", f"/containers/{NAME}?force=1"),
        Call("DELETE", f"/volumes/{NAME}_state?force=1"),
    ]


def test_a_container_may_be_created_by_another_program_at_the_same_time(
    docker: FakeDockerEngine,
) -> None:
    answer = json.dumps({"message": "Conflict. The name is in use"}).encode()
    docker.answers["/containers/create"] = (409, answer)
    # The other program has started it as well.
    docker.answers[f"/containers/{NAME}/start"] = (304, b"")
    with pytest.raises(ConnectError, match="no container 'builder'"):
        BuildKitContainer(NAME).start(timeout=0.1)


def test_an_error_of_docker_is_raised(docker: FakeDockerEngine) -> None:
    docker.answers["/containers/create"] = (500, b'{"message": "it  cannot\\nbe done"}')
    with pytest.raises(ConnectError) as caught:
        BuildKitContainer(NAME).start()
    assert caught.value.message == "cannot start the container builder: it cannot be done"


def test_a_machine_without_docker_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(ConnectError) as caught:
        BuildKitContainer(NAME).stop()
    assert str(caught.value) == (
        f"cannot stop the container builder: unix://{tmp_path}/docker.sock: No such file or "
        "directory (start Docker, or name its address with DOCKER_HOST or a Docker context)"
    )


@pytest.mark.parametrize("name", ["", "a", "-ab", "a b", "ä1"])
def test_an_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^invalid container "):
        BuildKitContainer(name)


def test_the_command_line_starts_stops_and_removes(docker: FakeDockerEngine) -> None:
    started = llb("daemon", "start", "--container", NAME, "--image", "example.com/b")
    assert (started.status, started.stdout) == (0, f"{ADDRESS}\n")
    assert docker.calls == [created("example.com/b"), START]
    outputs = [
        llb("daemon", "stop", "--container", NAME, *options).stdout
        for options in ((), (), ("--remove",), ("--remove",))
    ]
    assert outputs == ["stopped\n", "not running\n", "removed\n", "not found\n"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["start", "--image", "a"], "--image and --network need --container"),
        (["stop", "--remove"], "--remove needs --container"),
    ],
)
def test_container_options_need_a_container(arguments: list[str], message: str) -> None:
    ran = llb("daemon", *arguments)
    assert ran.status == 2
    assert ran.stderr.endswith(f"Error: {message}\n")
