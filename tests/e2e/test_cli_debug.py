"""What a BuildKit stores and does, for people and as JSON for programs, beside buildctl."""

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

if TYPE_CHECKING:
    from tests.e2e.conftest import Buildctl


@pytest.mark.feature("P9")
def test_a_blob_is_printed_as_by_buildctl(buildctl: Buildctl) -> None:
    text = uuid.uuid4().hex
    with Client(buildctl.address) as client:
        result = client.solve(Scratch().mkfile("/x", text), exports=[image()])
    assert result.digest is not None
    done = cli("debug", "get", result.digest, address=buildctl.address)
    assert done.returncode == 0, done.stderr
    assert done.stdout == buildctl("debug", "get", result.digest)
    assert json.loads(done.stdout)["layers"]


@pytest.mark.feature("P9")
def test_a_blob_that_is_not_there_is_an_error(buildkit_host: str) -> None:
    done = cli("debug", "get", "sha256:" + "0" * 64, address=buildkit_host)
    check_error(done, "not found")
    done = cli("debug", "get", "latest", address=buildkit_host)
    assert done.returncode == 2
    assert "invalid digest 'latest': expected sha256: and 64 digits" in done.stderr


@pytest.mark.feature("P9")
def test_builds_are_seen_as_they_end(buildkit_host: str) -> None:
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
        seen = [json.loads(monitor.stdout.readline())]
        while seen[-1]["completed"] is None:
            seen.append(json.loads(monitor.stdout.readline()))
        monitor.terminate()
    assert {each["ref"] for each in seen} == {ref}
    assert seen[-1]["completed_steps"] == 1


@pytest.mark.feature("P9")
def test_the_daemon_and_its_workers_are_told_as_json(buildctl: Buildctl) -> None:
    info = json.loads(cli("info", "--json", address=buildctl.address).stdout)
    theirs = json.loads(buildctl("debug", "info", "--format", "{{json .}}"))["buildkitVersion"]
    assert info.items() <= theirs.items()
    (worker,) = cli("workers", "--json", address=buildctl.address).stdout.splitlines()
    (known,) = json.loads(buildctl("debug", "workers", "--format", "{{json .}}"))
    ours = json.loads(worker)
    assert (ours["id"], ours["labels"]) == (known["id"], known["labels"])
    assert ours["platforms"][0] == "linux/amd64"


@pytest.mark.feature("P9")
@pytest.mark.parametrize(("name", "count"), [("oci", 1), ("containerd", 0)])
def test_workers_are_chosen_by_their_labels(name: str, count: int, buildkit_host: str) -> None:
    label = f'labels."org.mobyproject.buildkit.worker.executor"=={name}'
    done = cli("workers", "--json", "--filter", label, address=buildkit_host)
    assert len(done.stdout.splitlines()) == count


@pytest.mark.feature("P9")
def test_the_history_is_told_as_json(buildctl: Buildctl) -> None:
    ref = uuid.uuid4().hex
    with Client(buildctl.address) as client:
        client.solve(Scratch().mkfile("/x", ref), ref=ref)
    lines = cli("history", "ls", "--json", address=buildctl.address).stdout.splitlines()
    (build,) = (each for each in map(json.loads, lines) if each["ref"] == ref)
    inspected = cli("history", "inspect", ref, "--json", address=buildctl.address).stdout
    assert build == json.loads(inspected)
