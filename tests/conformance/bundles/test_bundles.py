"""``llb history export`` writes the bundles that buildx v0.38.2 writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from llb.cli import cli
from tests.conformance.bundles.bundles import RUNS, read_bundle
from tests.conformance.bundles.records import BLOBS, records
from tests.fakes.history import FakeHistory

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("recorded.json").read_text())


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeHistory]:
    with FakeHistory(tmp_path, records(), blobs=BLOBS) as daemon:
        yield daemon


@pytest.mark.feature("P14")
@pytest.mark.parametrize("arguments", RUNS, ids=" ".join)
def test_bundles_are_equal(daemon: FakeHistory, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    output = tmp_path / "bundle"
    result = CliRunner().invoke(
        cli, ["history", "export", "--addr", daemon.address, "-o", str(output), *arguments]
    )
    expected = RECORDED[" ".join(arguments)]
    if "error" in expected:
        assert (result.exit_code != 0, output.exists()) == (True, False)
    else:
        assert result.exit_code == 0, result.exception
        actual = read_bundle(output.read_bytes())
        assert actual == expected["files"]
        assert list(actual) == list(expected["files"])


def test_a_bundle_is_printed_unless_a_file_is_named(daemon: FakeHistory) -> None:
    result = CliRunner().invoke(cli, ["history", "export", "--addr", daemon.address, "full"])
    assert read_bundle(result.stdout_bytes) == RECORDED["full"]["files"]


def test_traces_are_asked_for_first(daemon: FakeHistory, tmp_path: Path) -> None:
    CliRunner().invoke(
        cli,
        [
            *("history", "export", "--addr", daemon.address, "-o", str(tmp_path / "bundle")),
            *("--finalize", "full", "plain"),
        ],
    )
    assert [(update.Ref, update.Finalize) for update in daemon.updates] == [("plain", True)]
