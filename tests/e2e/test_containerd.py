"""Images in the store of containerd, exported by a BuildKit with a containerd worker."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from attrs import frozen

from llb import Scratch
from llb.client import Client, image
from tests.e2e.conftest import unmount_below
from tests.e2e.servers import accepts, wait_for
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Buildctl

CONFIG = """\
version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{folder}/sock"
"""


@frozen
class Containerd:
    """A containerd, and a client of the BuildKit that uses it."""

    socket: Path
    client: Client

    def ctr(self, *arguments: str) -> list[str]:
        """Run ctr in BuildKit's namespace; return the lines of its output."""
        command = ["ctr", "--address", str(self.socket), "--namespace", "buildkit", *arguments]
        process = subprocess.run(command, capture_output=True, text=True, check=True)
        return process.stdout.splitlines()

    @property
    def names(self) -> set[str]:
        return set(self.ctr("images", "list", "--quiet"))


@pytest.fixture
def containerd_socket(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "containerd"
    folder.mkdir()
    config, socket_path = folder / "config.toml", folder / "sock"
    config.write_text(CONFIG.format(folder=folder))
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(["containerd", "--config", config], stdout=log, stderr=log)
    try:
        wait_for(lambda: accepts(socket.AF_UNIX, str(socket_path)), server)
        yield socket_path
    finally:
        server.terminate()
        server.wait(PATIENCE)
        unmount_below(folder)


@pytest.fixture
def containerd(
    containerd_socket: Path, start_buildkitd: Callable[..., Buildctl]
) -> Iterator[Containerd]:
    with Client(start_buildkitd("--containerd", containerd_socket).address) as client:
        yield Containerd(containerd_socket, client)


@pytest.mark.feature("L7")
def test_an_image_is_stored_under_its_names_and_unpacked(containerd: Containerd) -> None:
    state = Scratch().mkfile("/x", "x")
    name = "example.com/one:latest"
    digest = containerd.client.solve(
        state,
        exports=[image(name, unpack=True, name_canonical=True, dangling_name_prefix="x.io/none")],
    ).digest
    assert containerd.names == {name, f"{name}@{digest}", f"x.io/none@{digest}"}
    (status,) = containerd.ctr("images", "check", f"name=={name}")[1:]
    assert status.split()[-1] == "true"


@pytest.mark.feature("L7")
def test_an_image_without_store_has_no_name(containerd: Containerd) -> None:
    result = containerd.client.solve(
        Scratch().mkfile("/x", "x"), exports=[image("example.com/one:latest", store=False)]
    )
    assert result.digest is not None
    assert containerd.names == set()
