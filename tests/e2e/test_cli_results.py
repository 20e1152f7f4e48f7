"""The metadata files of ``llb build``, and the command lines that it refuses."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_failures import check_error, cli
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from tests.e2e.conftest import Buildctl

LLB = Path(sys.executable).with_name("llb")
SCRIPT = "from llb import Image, main\nmain(Image('busybox').run('echo x > /x'))\n"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "build.py"
    path.write_text(SCRIPT)
    return path


def shape(value: object) -> object:
    """Reduce a JSON value to its keys and the types of its leaves."""
    if isinstance(value, dict):
        return {key: shape(child) for key, child in value.items()}
    return type(value).__name__


@pytest.mark.feature("K10")
def test_the_metadata_file_has_the_shape_of_buildctl(
    script: Path, tmp_path: Path, buildctl: Buildctl
) -> None:
    ours, theirs = tmp_path / "ours.json", tmp_path / "theirs.json"
    image = f"type=oci,dest={tmp_path}/image.tar"
    process = cli("build", script, "-o", image, "--metadata-file", ours, address=buildctl.address)
    assert process.returncode == 0, process.stderr
    definition = subprocess.run([sys.executable, script], check=True, capture_output=True).stdout
    subprocess.run(
        [
            *(buildctl.program, "--addr", buildctl.address, "build"),
            *("--output", image, "--metadata-file", theirs),
        ],
        input=definition,
        check=True,
        capture_output=True,
    )
    metadata = json.loads(ours.read_text())
    assert shape(metadata) == shape(json.loads(theirs.read_text()))
    assert metadata["containerimage.descriptor"]["digest"] == metadata["containerimage.digest"]
    assert f"image digest {metadata['containerimage.digest']}\n" in process.stderr


def test_a_metadata_file_that_cannot_be_written_is_named(
    script: Path, tmp_path: Path, buildkit_host: str
) -> None:
    target = tmp_path / "none" / "metadata.json"
    process = cli("build", script, "--metadata-file", target, address=buildkit_host)
    check_error(process, f"error: cannot write {target}: No such file or directory\n")


def test_a_graph_file_that_cannot_be_written_is_named(script: Path, tmp_path: Path) -> None:
    target = tmp_path / "none" / "graph.dot"
    process = cli("graph", script, "-o", target)
    check_error(process, f"error: cannot write {target}: No such file or directory\n")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--progress", "fancy", "Error: unknown progress display 'fancy'"),
        ("-o", "type=lcal,dest=out", "did you mean local?"),
        ("-o", "dest=out", "missing type"),
        ("-o", "type=local,dest=-", "hint: use -o type=tar,dest=-"),
    ],
)
def test_an_invalid_option_value_exits_with_2(
    script: Path, option: str, value: str, message: str
) -> None:
    process = cli("build", script, option, value)
    assert process.returncode == 2
    assert message in process.stderr
    assert "Traceback" not in process.stderr


@pytest.mark.feature("L13")
def test_an_archive_is_not_printed_on_a_terminal(script: Path) -> None:
    controller, terminal = pty.openpty()
    try:
        process = subprocess.run(
            [sys.executable, "-m", "llb", "build", script, "-o", "-"],
            stdout=terminal,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    finally:
        os.close(terminal)
        os.close(controller)
    assert process.returncode == 2
    assert "refusing to write an archive to a terminal" in process.stderr


def test_cache_metrics_equal_those_of_buildctl(buildctl: Buildctl, tmp_path: Path) -> None:
    folder, unique = tmp_path / "context", uuid.uuid4()
    folder.mkdir()
    (folder / "Dockerfile").write_text(
        f"FROM busybox AS base\nRUN echo {unique} > /x\nFROM scratch\nCOPY --from=base /x /x\n"
    )
    local_options = ["--local", f"context={folder}", "--local", f"dockerfile={folder}"]
    metrics = "--debug-json-cache-metrics"
    commands: dict[str, list[str]] = {
        "ours": [str(LLB), "build", str(folder), metrics, str(tmp_path / "ours")],
        "theirs": [
            *(str(buildctl.program), "--addr", buildctl.address, "build"),
            *("--frontend", "dockerfile.v0", *local_options, metrics, str(tmp_path / "theirs")),
        ],
    }
    environment = {"BUILDKIT_HOST": buildctl.address}
    subprocess.run(commands["ours"], env=environment, check=True, capture_output=True)
    *misses, _ = (tmp_path / "ours").read_text().splitlines()
    assert sorted(misses) == [
        f"cache miss: [base 2/2] RUN echo {unique} > /x",
        "cache miss: [stage-1 1/1] COPY --from=base /x /x",
    ]
    counts = {}
    for name, command in commands.items():
        subprocess.run(command, env=environment, check=True, capture_output=True)
        counts[name] = json.loads((tmp_path / name).read_text())
        counts[name].pop("client_duration_ms")
    assert counts["ours"] == counts["theirs"]
