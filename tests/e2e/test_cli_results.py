"""What ``llb build`` leaves beside the result, and the command lines that it refuses."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
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
    """Return a JSON value without its leaves."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return type(value).__name__


@pytest.mark.feature("K10")
def test_the_metadata_file_has_the_form_of_buildctl(
    script: Path, tmp_path: Path, buildctl: Buildctl
) -> None:
    ours, theirs = tmp_path / "ours.json", tmp_path / "theirs.json"
    image = f"type=oci,dest={tmp_path}/image.tar"
    done = cli("build", script, "-o", image, "--metadata-file", ours, address=buildctl.address)
    assert done.returncode == 0, done.stderr
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
    answers = json.loads(ours.read_text())
    assert shape(answers) == shape(json.loads(theirs.read_text()))
    assert answers["containerimage.descriptor"]["digest"] == answers["containerimage.digest"]
    assert f"image digest {answers['containerimage.digest']}\n" in done.stderr


def test_a_metadata_file_that_cannot_be_written_is_named(
    script: Path, tmp_path: Path, buildkit_host: str
) -> None:
    target = tmp_path / "none" / "metadata.json"
    done = cli("build", script, "--metadata-file", target, address=buildkit_host)
    check_error(done, f"error: cannot write {target}: No such file or directory\n")


def test_a_drawing_that_cannot_be_written_is_named(script: Path, tmp_path: Path) -> None:
    target = tmp_path / "none" / "graph.dot"
    done = cli("graph", script, "-o", target)
    check_error(done, f"error: cannot write {target}: No such file or directory\n")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--progress", "fancy", "Error: unknown progress display 'fancy'"),
        ("-o", "type=lcal,dest=out", "did you mean local?"),
        ("-o", "dest=out", "it has no type"),
        ("-o", "type=local,dest=-", "hint: use -o type=tar,dest=-"),
    ],
)
def test_a_value_that_an_option_cannot_have_exits_with_2(
    script: Path, option: str, value: str, message: str
) -> None:
    done = cli("build", script, option, value)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.feature("L13")
def test_an_archive_is_not_printed_on_a_terminal(script: Path) -> None:
    controller, terminal = pty.openpty()
    try:
        done = subprocess.run(
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
    assert done.returncode == 2
    assert "refusing to write an archive to a terminal" in done.stderr


def test_the_counts_of_cached_steps_are_those_of_buildctl(
    buildctl: Buildctl, tmp_path: Path
) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(
        f"FROM busybox AS base\nRUN echo {tmp_path} > /x\nFROM scratch\nCOPY --from=base /x /x\n"
    )
    given = ["--local", f"context={folder}", "--local", f"dockerfile={folder}"]
    metrics = "--debug-json-cache-metrics"
    commands: dict[str, list[str]] = {
        "ours": [str(LLB), "build", str(folder), metrics, str(tmp_path / "ours")],
        "theirs": [
            *(str(buildctl.program), "--addr", buildctl.address, "build"),
            *("--frontend", "dockerfile.v0", *given, metrics, str(tmp_path / "theirs")),
        ],
    }
    environment = {"BUILDKIT_HOST": buildctl.address}
    subprocess.run(commands["ours"], env=environment, check=True, capture_output=True)
    *missed, _ = (tmp_path / "ours").read_text().splitlines()
    assert sorted(missed) == [
        f"cache miss: [base 2/2] RUN echo {tmp_path} > /x",
        "cache miss: [stage-1 1/1] COPY --from=base /x /x",
    ]
    counts = {}
    for name, command in commands.items():
        subprocess.run(command, env=environment, check=True, capture_output=True)
        counts[name] = json.loads((tmp_path / name).read_text())
        counts[name].pop("client_duration_ms")
    assert counts["ours"] == counts["theirs"]
