"""Build records are exported to files, whole or not at all. Their bytes: tests/conformance/bundles."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import pytest

from llb.client import AsyncClient, Client
from llb.errors import InputError, RemoteError
from tests.conformance.bundles.bundles import read_bundle
from tests.conformance.bundles.records import BLOBS, records
from tests.fakes.history import FakeHistory
from tests.fakes.registry import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeHistory]:
    with FakeHistory(tmp_path, records(), blobs=BLOBS) as daemon:
        yield daemon


def test_the_last_build_is_written_to_a_file_or_a_stream(
    daemon: FakeHistory, tmp_path: Path
) -> None:
    stream = io.BytesIO()
    with Client(daemon.address) as client:
        client.history().export(tmp_path / "build.dockerbuild")
        client.history().export(stream, refs=["full", "full"])
    assert read_bundle(stream.getvalue()) == read_bundle(
        (tmp_path / "build.dockerbuild").read_bytes()
    )


def test_a_build_is_exported_asynchronously(daemon: FakeHistory, tmp_path: Path) -> None:
    async def export() -> None:
        async with AsyncClient(daemon.address) as client:
            await client.history().export(str(tmp_path / "build"), refs=["plain"])

    asyncio.run(export())
    assert "index.json" in read_bundle((tmp_path / "build").read_bytes())


@pytest.mark.parametrize(
    ("ref", "message"),
    [("running", "the build 'running' has not ended"), ("none", "unknown build 'none'")],
)
def test_only_builds_that_have_ended_are_exported(
    daemon: FakeHistory, tmp_path: Path, ref: str, message: str
) -> None:
    with Client(daemon.address) as client, pytest.raises(InputError, match=message):
        client.history().export(tmp_path / "build", refs=[ref])
    assert not (tmp_path / "build").exists()


def test_a_daemon_without_builds_is_an_error(tmp_path: Path) -> None:
    with (
        FakeHistory(tmp_path, records()[2:]) as daemon,
        Client(daemon.address) as client,
        pytest.raises(InputError, match="the daemon has no build that has ended"),
    ):
        client.history().export(io.BytesIO())


def test_a_missing_blob_leaves_no_file(tmp_path: Path) -> None:
    blobs = {digest: blob for digest, blob in BLOBS.items() if blob != b"log"}
    with (
        FakeHistory(tmp_path, records(), blobs=blobs) as daemon,
        Client(daemon.address) as client,
        pytest.raises(RemoteError, match="not found"),
    ):
        client.history().export(tmp_path / "build", refs=["full"])
    assert not (tmp_path / "build").exists()


def test_a_blob_with_other_bytes_is_refused(tmp_path: Path) -> None:
    blobs = {**BLOBS, digest_of(b"log"): b"evil"}
    with (
        FakeHistory(tmp_path, records(), blobs=blobs) as daemon,
        Client(daemon.address) as client,
        pytest.raises(InputError, match=f"{digest_of(b'log')} has other bytes"),
    ):
        client.history().export(tmp_path / "build", refs=["full"])


def test_a_file_that_cannot_be_written_is_an_error(daemon: FakeHistory, tmp_path: Path) -> None:
    with Client(daemon.address) as client, pytest.raises(InputError, match="cannot write"):
        client.history().export(tmp_path / "missing" / "build")
