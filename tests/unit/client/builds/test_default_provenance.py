"""The default provenance is left out where the daemon could not attach it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.client import Client
from llb.testing import FakeDaemon
from tests.fakes.docker_engine import FakeDockerEngine

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT = {"Dockerfile": "FROM scratch"}


@pytest.mark.parametrize(("version", "is_kept"), [("v0.10.6", False), ("v0.11.0", True)])
def test_a_daemon_before_attestations_gets_none(version: str, *, is_kept: bool) -> None:
    with FakeDaemon(version=version) as daemon, Client(daemon.address) as client:
        client.build_image(CONTEXT)
    attrs = daemon.builds[0].frontend_attrs
    assert attrs.get("attest:provenance") == ("mode=min,inline-only=true" if is_kept else None)


def test_dockers_older_image_store_gets_none(tmp_path: Path) -> None:
    with (
        FakeDaemon() as daemon,
        FakeDockerEngine(tmp_path / "docker.sock", daemon.address) as engine,
        Client(engine.address) as client,
    ):
        client.build_image(CONTEXT)
        client.build_image(CONTEXT, provenance="mode=max")
    sent = [build.frontend_attrs.get("attest:provenance") for build in daemon.builds]
    assert sent == [None, "mode=max"]
