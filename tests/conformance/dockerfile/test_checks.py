"""Checks, outlines and targets equal those of BuildKit's own frontend, byte for byte."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llb import Definition, LLBError
from llb.dockerfile.lint import RULES
from llb.frontend.build import build
from llb.testing.gateway import Outcome, run_frontend

if TYPE_CHECKING:
    from llb.testing.fake_buildkit.records import Warned

HERE = Path(__file__).parent
CASES = HERE / "checks"
RECORDED: dict[str, Any] = json.loads((HERE / "checks.json").read_text())
IMAGES: dict[str, str] = json.loads((CASES / "images.json").read_text())
OPTIONS: dict[str, Any] = json.loads((CASES / "options.json").read_text())
NAMES = sorted(path.stem for path in CASES.glob("*.Dockerfile"))
# Errors whose words differ from Go's.
OTHER_WORDS = frozenset(
    (
        "error-cycle",
        "error-expansion",
        "error-only-arg",
        "error-platform",
        "error-stage-name",
        "error-syntax",
        "error-target",
    )
)
ANSWERS = [(name, request) for name in NAMES for request in RECORDED[name]["answers"]]


def run_case(name: str, **more_options: str) -> Outcome:
    """Run a case, with additional options."""
    case_options = OPTIONS.get(name, {})
    files = {"Dockerfile": (CASES / f"{name}.Dockerfile").read_bytes()}
    if "ignore" in case_options:
        files[".dockerignore"] = case_options["ignore"].encode()
    options = {**case_options.get("options", {}), **more_options}
    return run_frontend(build, options, files=files, images=IMAGES)


def to_record(warning: Warned) -> dict[str, Any]:
    """Convert a warning to the recorder's form."""
    assert warning.location is not None
    file, ranges = warning.location.file, warning.location.ranges
    return {
        "digest": warning.digest,
        "level": warning.level,
        "short": warning.message,
        "detail": list(warning.detail),
        "url": warning.url,
        "filename": file.filename,
        "language": file.language,
        "definition": len(Definition.from_bytes(file.definition or b"").ops),
        "lines": [[span.line, span.end_line] for span in ranges],
    }


def test_every_case_is_recorded() -> None:
    assert sorted(RECORDED) == NAMES


@pytest.mark.parametrize("rule", [rule.name for rule in RULES])
def test_every_rule_has_a_case_with_a_warning_and_one_without(rule: str) -> None:
    warns = {
        name: any(warning["short"].startswith(f"{rule}:") for warning in entry.get("warnings", ()))
        for name, entry in RECORDED.items()
    }
    assert Counter(warns.values())[True] >= 1
    (url,) = (candidate.url for candidate in RULES if candidate.name == rule)
    kebab = url.rstrip("/").rpartition("/")[2] or "base-image-platform"
    assert any(name.startswith(kebab) and not warned for name, warned in warns.items())


@pytest.mark.parametrize("name", NAMES)
def test_the_warnings_of_a_build_equal_those_of_go(name: str) -> None:
    outcome = run_case(name)
    assert [to_record(warning) for warning in outcome.warnings] == RECORDED[name].get(
        "warnings", []
    )
    assert (outcome.error is None) == ("error" not in RECORDED[name])
    if outcome.error is not None and "lint" in RECORDED[name]["error"]:
        assert outcome.error.message == RECORDED[name]["error"]


@pytest.mark.parametrize(("name", "request_id"), ANSWERS)
def test_the_answer_to_a_request_equals_that_of_go(name: str, request_id: str) -> None:
    recorded = RECORDED[name]["answers"][request_id]
    outcome = run_case(name, requestid=request_id)
    if "error" in recorded:
        assert isinstance(outcome.exception, LLBError)
        return
    answer = {key: value.decode() for key, value in outcome.checked().metadata.items()}
    if name in OTHER_WORDS:
        answer, recorded = without_error(answer), without_error(recorded)
    assert "crash" in recorded or answer == recorded


def without_error(answer: dict[str, str]) -> dict[str, Any]:
    """Remove the error from an answer."""
    return {**answer, "result.json": {**json.loads(answer["result.json"]), "buildError": None}}


@pytest.mark.go
def test_the_recording_equals_the_output_of_go() -> None:
    go = shutil.which("go")
    assert go is not None, "go is not on PATH"
    done = subprocess.run(
        [go, "run", ".", str(CASES)],
        cwd=HERE / "recorder" / "checks",
        env={**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"},
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout) == RECORDED
