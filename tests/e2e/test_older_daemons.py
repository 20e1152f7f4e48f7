"""A BuildKit of 2024 builds, and each newer feature is an error that names it and its version."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from components import binaries
from components.settings import Settings

from llb import Image, Local, Scratch, merge, passthrough
from llb.client import Cache, Client, local, tar
from llb.errors import CapabilityError
from tests.e2e.frontends import run_as_frontend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.client import BuildOptions
    from llb.gateway import Gateway
    from tests.e2e.conftest import Buildctl

VERSION = "v0.18.2"
BUSYBOX = Image("busybox")

pytestmark = pytest.mark.go


@pytest.fixture
def client(
    start_buildkitd: Callable[[], Buildctl], stack: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    """A client of a private daemon of this version, which is compiled once."""
    monkeypatch.setenv("PYLLB_BUILDKIT", VERSION)
    binaries.build(Settings.from_environment(os.environ | stack))
    with Client(start_buildkitd().address) as connected:
        assert connected.info().version == VERSION
        yield connected


@pytest.mark.feature("K9")
def test_an_older_daemon_builds_and_exports(client: Client, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.txt").write_text("a")
    state = BUSYBOX.run("echo made > /made").copy(Local("src"), "/src/", include=["*.txt"])
    result = Scratch().copy(state, "/made", src="/made").copy(state, "/src", src="/src")
    client.solve(
        merge([result, Scratch().mkdir("/empty")]),
        local_dirs={"src": tmp_path / "src"},
        exports=[local(tmp_path / "out"), tar(tmp_path / "out.tar")],
    )
    paths = sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*"))
    assert [str(path) for path in paths] == ["empty", "made", "src", "src/a.txt"]
    assert (tmp_path / "out.tar").stat().st_size > 0


@pytest.mark.feature("K9")
def test_a_newer_feature_is_an_error_that_names_it(client: Client, tmp_path: Path) -> None:
    source = Local("src")
    (requiring,) = passthrough("all", [BUSYBOX], requires=[Scratch().mkdir("/a")])
    cases = {
        "symlink": (Scratch().symlink("/a", "/b"), "v0.19.0"),
        "metadata_only of Local": (Local("src", metadata_only=True), "v0.21.0"),
        "required of copy": (Scratch().copy(source, "/", required=["a"]), "v0.26.0"),
        "requires and passthrough": (requiring, "v0.31.0"),
    }
    for feature, (state, since) in cases.items():
        with pytest.raises(CapabilityError) as caught:
            client.solve(state, local_dirs={"src": tmp_path}, exports=[local(tmp_path / "out")])
        assert str(caught.value) == (
            f"BuildKit {VERSION} does not support {feature} (it needs BuildKit {since} or later)"
        )
    assert list(tmp_path.glob("out*")) == []


@pytest.mark.feature("K9")
def test_a_newer_option_is_an_error_that_names_it(client: Client, tmp_path: Path) -> None:
    s3 = Cache("s3", {"bucket": "b", "region": "r", "retry_mode": "standard"})
    options: dict[str, BuildOptions] = {
        "src of exporters": {"exports": [local(tmp_path / "out", src="/bin")]},
        "proxy networks": {"proxy_network": True},
        "retry_mode of s3 caches": {"cache_to": [s3]},
    }
    for feature, option in options.items():
        with pytest.raises(CapabilityError, match=f"BuildKit {VERSION} does not support {feature}"):
            client.solve(BUSYBOX, **option)
    assert list(tmp_path.glob("out*")) == []


@pytest.mark.feature("K5")
def test_containers_of_an_older_daemon_are_released(client: Client) -> None:
    def use(gateway: Gateway) -> bytes:
        with gateway.new_container(gateway.solve(BUSYBOX.marshal()), init=["cat"]) as container:
            # Nobody reads from the input or ends it.
            container.start(["sleep", "1000"], stdin="pipe")
            return container.run("echo here").stdout

    assert run_as_frontend(client.address, use) == b"here\n"
