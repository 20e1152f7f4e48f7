"""A BuildKit that runs in a container of a real Docker Engine, without the program ``docker``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb import Image, Local, bind
from llb.client import BuildKitContainer, Event, Vertex, VertexStatus, local
from llb.errors import InputError
from tests.e2e.docker_engines import ENGINES, docker, hide_program, load_buildkit, to_engine
from tests.e2e.servers import running_dockerd, write_runtime
from tests.e2e.test_failures import check_error, cli
from tests.e2e.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.conftest import Buildctl


@pytest.fixture(scope="module", params=ENGINES)
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, registry: str
) -> Iterator[str]:
    """The address of a Docker Engine that can run privileged containers."""
    folder = tmp_path_factory.mktemp("docker")
    write_runtime(folder / "runtime")
    runtime = (f"--add-runtime=lessened={folder}/runtime", "--default-runtime=lessened")
    engine = to_engine(request.param)
    with running_dockerd(folder / "engine", registry, *runtime, engine=engine) as socket_path:
        yield f"unix://{socket_path}"


@pytest.fixture(scope="module")
def buildkit_image(host: str, buildctl: Buildctl, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Load an image with BuildKit into Docker; the value is its name."""
    return load_buildkit(host, buildctl, tmp_path_factory.mktemp("root"))


@pytest.fixture(scope="module")
def folder_of_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(autouse=True)
def docker_config(
    host: str, folder_of_programs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Run every test with this engine, and without ``docker`` on PATH."""
    hide_program(folder_of_programs, monkeypatch)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.setenv("DOCKER_HOST", host)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker-config"))


@pytest.mark.feature("J8")
def test_a_container_is_created_used_stopped_and_removed(
    buildkit_image: str, registry: str, tmp_path: Path
) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "word").write_text("carried")
    step = Image(f"{registry}/library/busybox").run(
        "cp /in/word /word", mounts=[bind(Local("context"), "/in")]
    )
    container = BuildKitContainer("builder.1", image=buildkit_image, network="host")
    assert not container.stop()
    assert not container.remove()
    try:
        with container.start() as client:
            assert client.address == "docker-container://builder.1"
            assert client.info().version == "v0.34.2"
            client.solve(
                step,
                local_dirs={"context": tmp_path / "context"},
                exports=[local(tmp_path / "out")],
            )
            # A daemon releases the records of a build after the build.
            wait_until(lambda: not any(record.in_use for record in client.disk_usage()))
            record_ids = {record.id for record in client.disk_usage()}
        assert (tmp_path / "out" / "word").read_text() == "carried"
        container.start().close()
        assert container.stop()
        assert not container.stop()
        with container.start() as client:
            assert record_ids
            assert {record.id for record in client.disk_usage()} == record_ids
    finally:
        assert container.remove()
    assert docker("volume", "ls", "--quiet") == ""


@pytest.mark.feature("J8")
def test_the_command_line_starts_and_removes_a_container(buildkit_image: str) -> None:
    options = ("--container", "other")
    process = cli("daemon", "start", *options, "--image", buildkit_image, "--network", "host")
    assert (process.returncode, process.stdout) == (0, "docker-container://other\n"), process.stderr
    assert cli("ping", address=process.stdout.strip()).returncode == 0
    assert cli("daemon", "stop", *options).stdout == "stopped\n"
    assert cli("daemon", "stop", *options).stdout == "not running\n"
    assert cli("daemon", "stop", *options, "--remove").stdout == "removed\n"
    assert cli("daemon", "stop", *options, "--remove").stdout == "not found\n"


@pytest.mark.feature("J8")
def test_a_container_that_cannot_be_started_is_an_error(
    buildkit_image: str, registry: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command = ("daemon", "start", "--container", "broken", "--network", "host")
    check_error(
        cli(*command, "--image", f"{registry}/pyllb/none"),
        "error: cannot start the container broken: ",
    )
    process = cli(*command, "--image", "busybox")
    check_error(process, "error: the container broken ended before a BuildKit answered: ")
    assert BuildKitContainer("broken").remove()
    check_error(cli("daemon", "start", "--container", "-x"), "error: invalid container '-x': ")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    check_error(
        cli(*command),
        f"error: cannot start the container broken: unix://{tmp_path}/none.sock: No such file or "
        "directory\nhint: start Docker, or name its address with DOCKER_HOST or a Docker context\n",
    )


@pytest.mark.feature("J8")
def test_an_existing_container_is_reused(buildkit_image: str) -> None:
    docker("create", "--privileged", "--network=host", "--name=theirs", buildkit_image)
    with BuildKitContainer("theirs", image="pyllb/none").start() as client:
        assert client.info().version == "v0.34.2"
    assert BuildKitContainer("theirs").remove()
    assert docker("ps", "--all", "--quiet") == ""


@pytest.mark.feature("J8")
def test_an_image_that_docker_lacks_is_pulled(registry: str, buildkit_image: str) -> None:
    events: list[Event] = []
    image = f"{registry}/library/alpine"
    with pytest.raises(InputError, match="ended before a BuildKit answered"):
        BuildKitContainer("pulled", image=image).start(on_event=events.append)
    assert BuildKitContainer("pulled").remove()
    assert f"pull {image}:latest" in {event.name for event in events if isinstance(event, Vertex)}
    statuses = {event.name for event in events if isinstance(event, VertexStatus)}
    assert any(" layer " in status for status in statuses)
