"""``llb ping``, ``llb info`` and ``llb workers``: the status of a daemon."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.fakes.command import llb

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llb.testing.daemon import FakeDaemon


@pytest.fixture
def address(fake_daemon: Callable[..., FakeDaemon]) -> str:
    return fake_daemon(version="v0.30.1", platforms=["linux/arm64", "linux/arm/v7"]).address


@pytest.mark.parametrize("wait", [[], ["--wait", "1m"]])
def test_a_daemon_answers_a_ping(address: str, wait: list[str]) -> None:
    ran = llb("ping", *wait, "--addr", address)
    assert ran.status == 0
    assert re.fullmatch(rf"{re.escape(address)} answers in [0-9]+\.[0-9] ms\n", ran.stdout)


def test_a_daemon_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    ran = llb("ping", "--addr", f"unix://{tmp_path}/none.sock")
    assert (ran.status, ran.stdout) == (1, "")
    assert ran.stderr.startswith("error: ")


def test_wait_needs_a_single_daemon(address: str) -> None:
    ran = llb("ping", "--wait", "1s", "--addr", address, "--addr", "tcp://other:1")
    assert ran.status == 2
    assert ran.stderr.endswith("Error: --wait needs a single --addr\n")


def test_an_invalid_wait_is_refused(address: str) -> None:
    ran = llb("ping", "--wait", "soon", "--addr", address)
    assert (ran.status, ran.stderr) == (
        1,
        "error: invalid time 'soon': expected a duration\nhint: like 7d, 36h\n",
    )


def test_the_version_and_the_address_are_printed(address: str) -> None:
    assert llb("info", "--addr", address).stdout == (
        f"address   {address}\npackage   github.com/moby/buildkit\nversion   v0.30.1\nrevision  \n"
    )


def test_the_version_is_printed_as_json(address: str) -> None:
    daemon_info = json.loads(llb("info", "--json", "--addr", address).stdout)
    assert (daemon_info["package"], daemon_info["version"]) == (
        "github.com/moby/buildkit",
        "v0.30.1",
    )


def test_workers_are_printed_with_their_platforms(address: str) -> None:
    assert llb("workers", "--addr", address).stdout == (
        "fake\n  platforms  linux/arm64, linux/arm/v7\n"
    )


def test_workers_are_printed_as_lines_of_json(address: str) -> None:
    (line,) = llb("workers", "--json", "--addr", address).stdout.splitlines()
    worker = json.loads(line)
    assert (worker["id"], worker["platforms"]) == ("fake", ["linux/arm64", "linux/arm/v7"])
