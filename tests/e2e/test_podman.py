"""A real podman: containers with BuildKit, its API in place of Docker's, and images loaded into it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import Image, Local, Scratch
from llb.client import Client, docker, local
from llb.errors import ConnectError
from tests.e2e.conftest import unmount_below
from tests.e2e.servers import accepts, wait_for, write_program, write_runtime
from tests.e2e.test_failures import cli
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Buildctl

CONTENT = bytes(range(256)) * 8_000
IMAGE = "example.com/buildctl:1"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a ``podman`` whose images and containers are private."""
    folder = tmp_path_factory.mktemp("podman")
    write_runtime(folder / "runtime")
    program = shutil.which("podman")
    assert program is not None
    (folder / "bin").mkdir()
    # Otherwise the monitor of each process that was started through the API stays for minutes.
    (folder / "containers.conf").write_text("[engine]\nexit_command_delay = 0\n")
    # Its path may have at most 50 characters.
    with tempfile.TemporaryDirectory(prefix="podman") as run:
        write_program(
            folder / "bin" / "podman",
            f"CONTAINERS_CONF={folder}/containers.conf exec {program} --root {folder}/root "
            f"--runroot {run} --storage-driver vfs --cgroup-manager cgroupfs "
            f"--events-backend file --runtime {folder}/runtime "
            f'--tmpdir {folder}/tmp "$@"',
        )
        yield folder / "bin"
        unmount_below(Path(run))
        unmount_below(folder)


@pytest.fixture(autouse=True)
def podman(programs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Find this podman on PATH, and no Docker."""
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


@pytest.fixture
def api(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Podman's API at DOCKER_HOST."""
    address = f"unix://{tmp_path}/podman.sock"
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "podman", "system", "service", "--time=0", address], stdout=log, stderr=log
        )
        try:
            wait_for(lambda: accepts(socket.AF_UNIX, f"{tmp_path}/podman.sock"), server)
            monkeypatch.setenv("DOCKER_HOST", address)
            yield address
        finally:
            server.terminate()
            server.wait(PATIENCE)


def run(*arguments: str) -> str:
    """Run podman and return its output."""
    process = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


@pytest.fixture
def container(buildctl: Buildctl, api: str) -> Iterator[str]:
    """A container that reaches the stack's daemon; its image is loaded through podman's API."""
    assert api
    state = Image("busybox").copy(Local("programs", include=["buildctl"]), "/bin/", src="/buildctl")
    with Client(buildctl.address) as client:
        client.solve(
            state,
            local_dirs={"programs": buildctl.program.parent},
            exports=[docker(name=IMAGE)],
        )
    socket_path = buildctl.address.removeprefix("unix://")
    volume = f"--volume={socket_path}:/run/buildkit/buildkitd.sock"
    # podman would raise these limits, which root may not do on this machine.
    limits = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")
    detached = ("run", "--detach", "--network=none", "--name=builder")
    run(*detached, *limits, volume, IMAGE, "sleep", "300")
    yield "builder"
    run("rm", "--force", "--time=0", "builder")


def build_in(address: str, folder: Path) -> None:
    """Build and export a file."""
    with Client(address) as client:
        client.solve(Scratch().mkfile("/a", CONTENT), exports=[local(folder / "out")])
    assert (folder / "out" / "a").read_bytes() == CONTENT


@pytest.mark.feature("J3")
@pytest.mark.parametrize("scheme", ["podman-container", "docker-container"])
def test_a_buildkit_in_a_container_of_podman_is_reached(
    scheme: str, container: str, tmp_path: Path
) -> None:
    build_in(f"{scheme}://{container}", tmp_path)


@pytest.mark.feature("J3")
def test_podman_in_place_of_docker_has_no_buildkit(api: str) -> None:
    with pytest.raises(ConnectError) as caught:
        Client("docker://")
    assert caught.value.message == (
        f"no BuildKit answers at docker://: {api}: podman has no BuildKit"
    )
    assert caught.value.hint == (
        "connect to a container with BuildKit by podman-container://NAME, or start one with "
        "`llb daemon start`"
    )


@pytest.mark.feature("L11")
def test_an_image_is_loaded_into_podman(container: str, buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    for address, way in (
        (f"podman-container://{container}", "by-program"),
        (buildkit_host, "by-api"),
    ):
        name = f"example.com/{way}:1"
        process = cli("build", tmp_path, "-t", name, "--load", address=address)
        assert process.returncode == 0, process.stderr
        # Podman's API takes the place of Docker's.
        program = "podman" if way == "by-program" else "docker"
        assert f"image loaded into {program}\n" in process.stderr
        assert run("image", "inspect", "--format={{.Labels.a}}", name) == "b"
