"""A Docker with a BuildKit in each of its containers, and a store of builders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.docker_engine import FakeDockerEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.testing import FakeDaemon


@pytest.fixture
def buildkit(fake_daemon: Callable[..., FakeDaemon]) -> FakeDaemon:
    """The BuildKit of the Docker and of its containers."""
    return fake_daemon(version="v0.34.2")


@pytest.fixture
def docker(
    buildkit: FakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeDockerEngine]:
    """A Docker at DOCKER_HOST, with an empty configuration."""
    for name in ("BUILDX_CONFIG", "BUILDX_BUILDER", "BUILDKIT_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
    with FakeDockerEngine(tmp_path / "docker.sock", buildkit.address) as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.address)
        yield engine
