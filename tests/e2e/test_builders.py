"""Builders on a real Docker Engine, created by us and used by buildx, and the other way round."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from llb import Image
from llb.client import Builder, Client, local
from tests.e2e.conftest import STACK
from tests.e2e.docker_engines import docker, load_buildkit, to_engine
from tests.e2e.servers import running_dockerd, write_runtime
from tests.e2e.test_failures import cli
from tests.e2e.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Buildctl


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, registry: str) -> Iterator[str]:
    """The address of a Docker Engine that can run privileged containers."""
    folder = tmp_path_factory.mktemp("docker")
    write_runtime(folder / "runtime")
    runtime = (f"--add-runtime=lessened={folder}/runtime", "--default-runtime=lessened")
    engine = to_engine("28.5-containerd")
    with running_dockerd(folder / "engine", registry, *runtime, engine=engine) as socket_path:
        yield f"unix://{socket_path}"


@pytest.fixture(scope="module")
def buildkit_image(host: str, buildctl: Buildctl, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Load an image with BuildKit into Docker; the value is its name."""
    return load_buildkit(host, buildctl, tmp_path_factory.mktemp("root"))


@pytest.fixture(autouse=True)
def docker_config(host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run every test with this engine and an empty configuration."""
    for name in ("DOCKER_CONTEXT", "BUILDX_BUILDER", "BUILDX_CONFIG", "BUILDKIT_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_HOST", host)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))


@pytest.fixture(scope="session")
def buildx(stack: dict[str, str]) -> Callable[..., str]:
    """A function that runs buildx and returns its output."""
    assert stack
    process = subprocess.run([STACK, "buildx"], check=True, capture_output=True, text=True)
    program = process.stdout.strip()

    def run(*arguments: str | Path) -> str:
        process = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stderr
        return process.stdout

    return run


@pytest.fixture
def context(tmp_path: Path, registry: str) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {registry}/library/busybox\nRUN echo built > /word\n")
    return folder


def container_names() -> set[str]:
    return set(docker("ps", "--all", "--format", "{{.Names}}").split())


def test_buildx_uses_and_removes_our_builder(
    buildkit_image: str, buildx: Callable[..., str], context: Path, tmp_path: Path
) -> None:
    options = {"image": buildkit_image, "network": "host", "memory": "2g", "env.WORD": "x"}
    builder = Builder.create("ours", driver_opts=options, buildkitd_flags="--debug", use=True)
    builder.start()
    (node,) = json.loads(buildx("ls", "--format", "json").splitlines()[0])["Nodes"]
    assert (node["Name"], node["Status"]) == ("ours0", "running")
    assert node["DriverOpts"] == options
    # It is the builder in use.
    buildx("build", context, "--output", tmp_path / "out")
    assert (tmp_path / "out" / "word").read_text() == "built\n"
    container = json.loads(docker("inspect", "buildx_buildkit_ours0"))[0]
    assert container["HostConfig"]["Memory"] == 2 * 2**30
    assert "WORD=x" in container["Config"]["Env"]
    buildx("rm", "ours")
    assert container_names() == set()
    assert [other.name for other in Builder.list()] == ["default"]


def test_we_use_and_remove_the_builder_of_buildx(
    buildkit_image: str,
    buildx: Callable[..., str],
    registry: str,
    context: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "buildkitd.toml").write_text(f'[registry."{registry}"]\nhttp = true\n')
    options = [f"--driver-opt=image={buildkit_image},network=host", "--buildkitd-flags=--debug"]
    config = ["--buildkitd-config", tmp_path / "buildkitd.toml"]
    buildx("create", "--name", "theirs", *options, *config, "--use")
    process = cli("build", context, "-o", tmp_path / "out")
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "out" / "word").read_text() == "built\n"
    (report,) = Builder.load("theirs").inspect()
    assert (report.status, report.version, report.error) == ("running", "v0.34.2", None)
    assert container_names() == {"buildx_buildkit_theirs0"}
    assert "theirs*" in cli("builder", "ls").stdout
    process = cli("builder", "rm", "theirs")
    assert (process.returncode, process.stderr) == (0, "theirs removed\n")
    assert container_names() == set()
    assert docker("volume", "ls", "--quiet") == ""
    assert "theirs" not in buildx("ls")


def test_the_state_of_a_builder_may_be_kept(
    buildkit_image: str, registry: str, tmp_path: Path
) -> None:
    options = {"image": buildkit_image, "network": "host"}
    state = Image(f"{registry}/library/busybox").run("echo x > /word")

    def build_once() -> set[str]:
        with Client("builder://kept") as client:
            client.solve(state, exports=[local(tmp_path / "out")])
            wait_until(lambda: not any(record.in_use for record in client.disk_usage()))
            return {record.id for record in client.disk_usage()}

    Builder.create("kept", driver_opts=options)
    records = build_once()
    Builder.load("kept").remove(keep_state=True)
    assert container_names() == set()
    builder = Builder.create("kept", driver_opts=options)
    try:
        assert build_once() == records
        builder.stop()
        assert builder.inspect()[0].status == "stopped"
    finally:
        builder.remove()
    assert docker("volume", "ls", "--quiet") == ""


def test_the_command_line_creates_changes_and_removes_builders(
    buildkit_image: str, buildctl: Buildctl
) -> None:
    created = cli("builder", "create", "--name", "far", "--driver", "remote", buildctl.address)
    assert (created.returncode, created.stdout) == (0, "far\n"), created.stderr
    options = ("--driver-opt", f"image={buildkit_image},network=host", "--bootstrap", "--use")
    created = cli("builder", "create", "--name", "near", *options)
    assert (created.returncode, created.stdout) == (0, "near\n"), created.stderr
    names = [
        json.loads(line)["name"] for line in cli("builder", "ls", "--json").stdout.splitlines()
    ]
    assert names == ["far", "near", "default"]
    shown = json.loads(cli("builder", "inspect", "--json").stdout)
    assert (shown["name"], shown["current"]) == ("near", True)
    assert [node["status"] for node in shown["nodes"]] == ["running"]
    assert cli("builder", "stop", "near").returncode == 0
    assert cli("ping", "--builder", "far").returncode == 0
    assert cli("builder", "rm", "far", "near").returncode == 0
    assert container_names() == set()
