"""``llb debug``, ``info``, ``workers`` and ``history`` with JSON output, compared with buildctl."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

import pytest

from llb import Scratch
from llb.client import Client, image
from tests.e2e.test_failures import check_error, cli
from tests.e2e.test_history import wait_for_trace

if TYPE_CHECKING:
    from tests.e2e.conftest import Buildctl


@pytest.mark.feature("P9")
def test_a_blob_is_printed_as_by_buildctl(buildctl: Buildctl) -> None:
    content = uuid.uuid4().hex
    with Client(buildctl.address) as client:
        result = client.solve(Scratch().mkfile("/x", content), exports=[image()])
    assert result.digest is not None
    process = cli("debug", "get", result.digest, address=buildctl.address)
    assert process.returncode == 0, process.stderr
    assert process.stdout == buildctl("debug", "get", result.digest)
    assert json.loads(process.stdout)["layers"]


@pytest.mark.feature("P9")
def test_a_missing_blob_is_an_error(buildkit_host: str) -> None:
    process = cli("debug", "get", "sha256:" + "0" * 64, address=buildkit_host)
    check_error(process, "not found")
    process = cli("debug", "get", "latest", address=buildkit_host)
    assert process.returncode == 2
    assert "invalid digest 'latest': expected sha256: and 64 digits" in process.stderr


@pytest.mark.feature("P9")
def test_the_monitor_reports_builds_until_they_end(buildkit_host: str) -> None:
    ref = uuid.uuid4().hex
    command = [sys.executable, "-m", "llb", "debug", "monitor", "--ref", ref, "--completed"]
    with (
        Client(buildkit_host) as client,
        subprocess.Popen(
            [*command, "--json", "--addr", buildkit_host], stdout=subprocess.PIPE, text=True
        ) as monitor,
    ):
        assert monitor.stdout is not None
        client.solve(Scratch().mkfile("/x", ref), ref=ref)
        records = [json.loads(monitor.stdout.readline())]
        while records[-1]["completed"] is None:
            records.append(json.loads(monitor.stdout.readline()))
        monitor.terminate()
    assert {record["ref"] for record in records} == {ref}
    assert records[-1]["completed_steps"] == 1


@pytest.mark.feature("P9")
def test_info_and_workers_are_printed_as_json(buildctl: Buildctl) -> None:
    info = json.loads(cli("info", "--json", address=buildctl.address).stdout)
    theirs = json.loads(buildctl("debug", "info", "--format", "{{json .}}"))["buildkitVersion"]
    assert info.items() <= theirs.items()
    (worker,) = cli("workers", "--json", address=buildctl.address).stdout.splitlines()
    (expected_worker,) = json.loads(buildctl("debug", "workers", "--format", "{{json .}}"))
    ours = json.loads(worker)
    assert (ours["id"], ours["labels"]) == (expected_worker["id"], expected_worker["labels"])
    assert ours["platforms"][0] == "linux/amd64"


@pytest.mark.feature("P9")
@pytest.mark.parametrize(("name", "count"), [("oci", 1), ("containerd", 0)])
def test_workers_are_filtered_by_label(name: str, count: int, buildkit_host: str) -> None:
    label = f'labels."org.mobyproject.buildkit.worker.executor"=={name}'
    process = cli("workers", "--json", "--filter", label, address=buildkit_host)
    assert len(process.stdout.splitlines()) == count


@pytest.mark.feature("P9")
def test_the_history_is_printed_as_json(buildctl: Buildctl) -> None:
    ref = uuid.uuid4().hex
    with Client(buildctl.address) as client:
        client.solve(Scratch().mkfile("/x", ref), ref=ref)
        wait_for_trace(client, ref)
    lines = cli("history", "ls", "--json", address=buildctl.address).stdout.splitlines()
    (build,) = (record for record in map(json.loads, lines) if record["ref"] == ref)
    output = cli("history", "inspect", ref, "--json", address=buildctl.address).stdout
    assert build == json.loads(output)
