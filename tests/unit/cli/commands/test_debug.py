"""``llb debug``: what a daemon stores and does, as it is."""

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


def test_a_blob_is_printed_as_it_is(daemon: FakeHistory) -> None:
    assert llb("debug", "get", DIGEST, "--addr", daemon.address).output == bytes(range(10))


def test_a_blob_that_the_daemon_does_not_have_is_an_error(daemon: FakeHistory) -> None:
    other = f"sha256:{'1' * 64}"
    ran = llb("debug", "get", other, "--addr", daemon.address)
    assert (ran.status, ran.stderr) == (1, f"error: content {other}: not found\n")


def test_a_digest_that_is_not_one_is_refused() -> None:
    ran = llb("debug", "get", "sha256:1")
    assert ran.status == 2
    assert ran.stderr.endswith("'sha256:1' is no digest: expected sha256: and 64 digits\n")


@pytest.mark.parametrize(
    ("options", "active", "ref"),
    [([], True, ""), (["--completed"], False, ""), (["--ref", "two"], True, "two")],
)
def test_builds_are_printed_as_the_daemon_tells_of_them(
    daemon: FakeHistory, options: list[str], ref: str, *, active: bool
) -> None:
    ran = llb("debug", "monitor", "--json", *options, "--addr", daemon.address)
    refs = [json.loads(line)["ref"] for line in ran.stdout.splitlines()]
    assert refs == ([ref] if ref else ["one", "two"])
    (request,) = daemon.requests
    assert (request.ActiveOnly, request.Ref, request.EarlyExit) == (active, ref, False)


def test_builds_are_printed_in_lines(daemon: FakeHistory) -> None:
    ran = llb("debug", "monitor", "--addr", daemon.address)
    assert [line.split() for line in ran.stdout.splitlines()] == [
        ["one", "running", "0/0", "cached"],
        ["two", "running", "0/0", "cached"],
    ]
