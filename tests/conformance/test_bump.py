"""`make bump` reports what another version of BuildKit or buildx changes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve

from tests.conformance.bump import recordings, report
from tests.conformance.bump.modules import BUILDKIT, Module

ROOT = Path(__file__).parents[2]
CURRENT = (ROOT / "protos" / "VERSION").read_text().strip()
EARLIER = "v0.32.2"


@pytest.fixture(scope="module")
def current() -> Module:
    """The version of BuildKit that this project is held to."""
    return Module.download(BUILDKIT, CURRENT)


@pytest.mark.go
def test_the_report_names_what_a_version_adds(current: Module) -> None:
    earlier = Module.download(BUILDKIT, EARLIER)
    lines = {section.title: section.lines for section in report.source_sections(earlier, current)}
    assert "+ src  in exporter  llb/client/caches.py" in lines["Keys of exporters and caches"]
    assert lines["Attributes of sources"] == (
        "+ git.advice  in solver/pb  llb/dockerfile/sources/remote.py",
    )
    assert any("BUILDKIT_GIT_ADVICE" in line for line in lines["Frontend options"])
    assert (
        "+| [`--device`](#run---device)     | 1.27                       |"
        in (lines["Dockerfile reference"])
    )
    assert any(
        line.startswith("client/solve.go  +")
        for line in lines["Changed files of the packages that we repeat"]
    )
    assert lines["Protos"] == lines["Capabilities"] == ()


@pytest.mark.go
def test_a_version_is_the_same_as_itself(current: Module) -> None:
    sections = list(report.source_sections(current, current))
    assert [section.title for section in sections if section.lines] == []
    assert all("\n\nNothing.\n" in section.render() for section in sections)


@pytest.mark.go
def test_the_report_shows_the_recorded_cases_that_differ(current: Module, tmp_path: Path) -> None:
    recording = recordings.RECORDINGS[0]
    assert list(recordings.differences(recording, [current])) == []
    recorded = json.loads(recording.recorded.read_text())
    first, second = sorted(recorded)[:2]
    recorded[first], recorded["another"] = recorded[second], recorded[first]
    altered = tmp_path / "recorded.json"
    altered.write_text(json.dumps(recorded))
    lines = list(recordings.differences(evolve(recording, recorded=altered), [current]))
    assert lines[0] == f"{first}:"
    assert lines[-1].startswith("another: ")
    assert lines[-1].endswith(" -> null")


@pytest.mark.go
def test_a_recorder_that_does_not_compile_is_a_difference(current: Module, tmp_path: Path) -> None:
    recording = recordings.RECORDINGS[0]
    folder = tmp_path / "recorder"
    folder.mkdir()
    for path in recording.recorder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "main.go").write_text("package main\n\nfunc main() { gone() }\n")
    lines = list(recordings.differences(evolve(recording, recorder=folder), [current]))
    assert lines[0] == "the recorder fails:"
    assert any("undefined: gone" in line for line in lines)


@pytest.mark.go
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "missing version: expected BUILDKIT=vX.Y.Z, BUILDX=vX.Y.Z or both"),
        (["--buildkit", "v0.0.999"], 1, "make bump: github.com/moby/buildkit@v0.0.999: "),
    ],
)
def test_a_wrong_version_is_an_error(arguments: list[str], code: int, message: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "tests.conformance.bump", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stdout) == (code, "")
    assert message in process.stderr
    assert "Traceback" not in process.stderr
