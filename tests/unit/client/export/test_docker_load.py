"""An exported image is loaded into Docker or podman while the daemon sends it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llb import Image
from llb.client import Client, docker
from llb.client.export.docker_load import DockerReceiver, PodmanReceiver, loader
from llb.errors import InputError, SolveError
from tests.fakes.docker_engine import FakeDockerEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.testing.daemon import FakeDaemon
    from llb.testing.fake_buildkit.builds import FakeBuild

ARCHIVE = b"layers " * 100_000
HINT = "start Docker, or name its address with DOCKER_HOST or a Docker context"


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of Docker, on a machine without its program."""
    monkeypatch.setenv("PATH", str(tmp_path))
    host = f"unix://{tmp_path}/docker.sock"
    monkeypatch.setenv("DOCKER_HOST", host)
    return host


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeDockerEngine]:
    with FakeDockerEngine(tmp_path / "docker.sock") as engine:
        yield engine


@pytest.fixture
def load(fake_daemon: Callable[..., FakeDaemon]) -> Callable[[], None]:
    """Build an image and load it; the function takes an exception that fails the build."""

    def load(failure: Exception | None = None) -> None:
        def send(build: FakeBuild) -> None:
            ((kind, attrs),) = build.exports
            assert (kind, attrs["name"]) == ("docker", "app:1")
            build.session.send_file(ARCHIVE)
            if failure is not None:
                raise failure

        with Client(fake_daemon(script=send).address) as client:
            client.solve(Image("alpine").run("make"), exports=[docker(name="app:1")])

    return load


@pytest.mark.feature("L11")
def test_docker_receives_the_archive(load: Callable[[], None], engine: FakeDockerEngine) -> None:
    load()
    assert engine.archives == [ARCHIVE]
    assert engine.targets == ["GET /_ping", "GET /_ping", "POST /v1.41/images/load?quiet=1"]


def test_docker_does_not_receive_the_end_of_an_archive_if_the_build_fails(
    load: Callable[..., None], engine: FakeDockerEngine
) -> None:
    with pytest.raises(SolveError):
        load(SolveError("a step failed", code=2))
    assert engine.archives == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"message": "no space  left on device"}),
        (200, {"error": "no space left on device", "errorDetail": {}}),
    ],
)
def test_an_error_of_docker_fails_the_build(
    status: int, body: object, load: Callable[[], None], engine: FakeDockerEngine
) -> None:
    engine.answers["/images/load"] = (status, json.dumps(body).encode())
    with pytest.raises(InputError) as caught:
        load()
    assert str(caught.value) == "docker did not load the image: no space left on device"


def test_a_build_without_docker_is_refused_before_it_starts(
    fake_daemon: Callable[..., FakeDaemon], host: str
) -> None:
    daemon = fake_daemon()
    with Client(daemon.address) as client, pytest.raises(InputError) as caught:
        client.solve(Image("alpine"), exports=[docker()])
    assert caught.value.message == (
        f"cannot load the image into Docker: {host}: No such file or directory"
    )
    assert caught.value.hint == HINT
    assert daemon.builds == ()


@pytest.mark.usefixtures("engine")
def test_a_buildkit_in_podman_loads_into_podman(tmp_path: Path) -> None:
    (tmp_path / "podman").write_text("#!/bin/sh\n")
    (tmp_path / "podman").chmod(0o755)
    receivers = [loader(f"{kind}-container://builder") for kind in ("podman", "docker")]
    assert [type(receiver) for receiver in receivers] == [PodmanReceiver, DockerReceiver]
    for receiver in receivers:
        receiver.abort()


def test_a_missing_podman_is_reported_at_once() -> None:
    with pytest.raises(InputError) as caught:
        PodmanReceiver()
    assert caught.value.message == "podman is not on PATH, but is needed to load the image"
    assert caught.value.hint == 'write an archive with llb.client.docker("image.tar")'
    assert caught.value.command_hint == "write an archive with -o type=docker,dest=image.tar"
