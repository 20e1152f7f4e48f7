"""``llb debug``: raw blobs and running builds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llb._pb import control_pb2
from tests.fakes.command import llb
from tests.fakes.history import FakeHistory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIGEST = f"sha256:{'0' * 64}"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeHistory]:
    records = [control_pb2.BuildHistoryRecord(Ref=ref) for ref in ("one", "two")]
    with FakeHistory(tmp_path, records, blobs={DIGEST: bytes(range(10))}) as daemon:
        yield daemon


def test_a_blob_is_printed_unchanged(daemon: FakeHistory) -> None:
    assert llb("debug", "get", DIGEST, "--addr", daemon.address).output == bytes(range(10))


def test_a_missing_blob_is_an_error(daemon: FakeHistory) -> None:
    missing = f"sha256:{'1' * 64}"
    ran = llb("debug", "get", missing, "--addr", daemon.address)
    assert (ran.status, ran.stderr) == (1, f"error: content {missing}: not found\n")


def test_an_invalid_digest_is_refused() -> None:
    ran = llb("debug", "get", "sha256:1")
    assert ran.status == 2
    assert ran.stderr.endswith("invalid digest 'sha256:1': expected sha256: and 64 digits\n")


@pytest.mark.parametrize(
    ("options", "active", "ref"),
    [([], True, ""), (["--completed"], False, ""), (["--ref", "two"], True, "two")],
)
def test_builds_are_printed_in_the_order_the_daemon_reports_them(
    daemon: FakeHistory, options: list[str], ref: str, *, active: bool
) -> None:
    ran = llb("debug", "monitor", "--json", *options, "--addr", daemon.address)
    refs = [json.loads(line)["ref"] for line in ran.stdout.splitlines()]
    assert refs == ([ref] if ref else ["one", "two"])
    (request,) = daemon.requests
    assert (request.ActiveOnly, request.Ref, request.EarlyExit) == (active, ref, False)


def test_builds_are_printed_one_per_line(daemon: FakeHistory) -> None:
    ran = llb("debug", "monitor", "--addr", daemon.address)
    assert [line.split() for line in ran.stdout.splitlines()] == [
        ["one", "running", "0/0", "cached"],
        ["two", "running", "0/0", "cached"],
    ]
