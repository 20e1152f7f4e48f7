"""A Docker with a BuildKit in each of its containers, and a store of builders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.docker_engine import current_docker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.testing import FakeDaemon
    from tests.fakes.docker_engine import FakeDockerEngine


@pytest.fixture
def buildkit(fake_daemon: Callable[..., FakeDaemon]) -> FakeDaemon:
    """The BuildKit of the Docker and of its containers."""
    return fake_daemon(version="v0.34.2")


@pytest.fixture
def docker(
    buildkit: FakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeDockerEngine]:
    with current_docker(tmp_path, monkeypatch, buildkit.address) as engine:
        yield engine
