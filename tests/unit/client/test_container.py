"""A BuildKit container in Docker is created, started, stopped and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.client.container import BuildKitContainer
from llb.errors import ConnectError, InputError, InvalidValueError
from tests.fakes.command import llb
from tests.fakes.docker import FakeDocker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llb.testing.daemon import FakeDaemon

NAME = "builder"
ADDRESS = f"docker-container://{NAME}"
RUN = [
    *("run", "--detach", "--privileged", f"--name={NAME}"),
    f"--volume={NAME}_state:/var/lib/buildkit",
]


@pytest.fixture
def docker(
    fake_daemon: Callable[..., FakeDaemon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FakeDocker:
    return FakeDocker(tmp_path, fake_daemon(version="v0.31.0").address, monkeypatch)


def test_a_missing_container_is_created(docker: FakeDocker) -> None:
    with BuildKitContainer(NAME).start() as client:
        assert (client.address, client.info().version) == (ADDRESS, "v0.31.0")
    assert docker.calls == [[*RUN, "moby/buildkit"]]


def test_a_container_is_created_with_its_image_and_network(docker: FakeDocker) -> None:
    BuildKitContainer(NAME, image="example.com/buildkit", network="host").start().close()
    assert docker.calls == [[*RUN, "--network=host", "example.com/buildkit"]]


@pytest.mark.parametrize(
    ("state", "calls"),
    [("running", []), ("exited", [["start", NAME]]), ("paused", [["start", NAME]])],
)
def test_an_existing_container_is_started_unless_it_runs(
    docker: FakeDocker, state: str, calls: list[list[str]]
) -> None:
    docker.state = state
    BuildKitContainer(NAME).start().close()
    assert docker.calls == calls


def test_an_exited_container_is_an_error_with_its_last_log_lines(docker: FakeDocker) -> None:
    docker.becomes("exited")
    with pytest.raises(InputError) as caught:
        BuildKitContainer(NAME).start()
    assert caught.value.message == (
        "the container builder ended before a BuildKit answered: no runc / giving up"
    )


@pytest.mark.parametrize(("state", "was_running"), [("running", True), ("exited", False)])
def test_a_container_is_stopped(docker: FakeDocker, state: str, *, was_running: bool) -> None:
    docker.state = state
    assert BuildKitContainer(NAME).stop() is was_running
    assert (docker.state, docker.calls) == ("exited", [["stop", NAME]] * was_running)


def test_a_container_is_removed_with_its_cache(docker: FakeDocker) -> None:
    assert not BuildKitContainer(NAME).remove()
    docker.state = "running"
    assert BuildKitContainer(NAME).remove()
    assert docker.calls == [
        ["rm", "--force", NAME],
        ["volume", "rm", "--force", f"{NAME}_state"],
    ]


def test_an_error_of_docker_is_raised(docker: FakeDocker) -> None:
    docker.failing("run")
    with pytest.raises(ConnectError) as caught:
        BuildKitContainer(NAME).start()
    assert caught.value.message == "docker run failed: it cannot be done"


def test_a_machine_without_docker_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ConnectError) as caught:
        BuildKitContainer(NAME).stop()
    assert caught.value.hint == "a BuildKit in a container needs Docker and its command line"


@pytest.mark.parametrize("name", ["", "a", "-ab", "a b", "ä1"])
def test_an_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^invalid container "):
        BuildKitContainer(name)


def test_the_command_line_starts_stops_and_removes(docker: FakeDocker) -> None:
    started = llb("daemon", "start", "--container", NAME, "--image", "example.com/b")
    assert (started.status, started.stdout) == (0, f"{ADDRESS}\n")
    assert docker.calls == [[*RUN, "example.com/b"]]
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
