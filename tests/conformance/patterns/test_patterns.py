"""Patterns match as in moby/patternmatcher."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from llb.errors import InvalidValueError
from llb.gocompat.patternmatcher import Patterns

HERE = Path(__file__).parent
CASES = json.loads((HERE / "cases.json").read_text())
RECORDED: list[str] = json.loads((HERE / "recorded.json").read_text())


@pytest.mark.feature("N2")
def test_every_case_is_recorded() -> None:
    assert len(CASES["patterns"]) == len(RECORDED)


@pytest.mark.feature("N2")
@pytest.mark.parametrize("number", range(len(RECORDED)))
def test_patterns_match_as_in_go(number: int) -> None:
    patterns = CASES["patterns"][number]
    try:
        compiled = Patterns.compile(patterns)
    except InvalidValueError:
        ours = {"malformed": True}
    else:
        ours = {path: compiled.matches(path) for path in CASES["paths"]}
    row = RECORDED[number]
    theirs = {path: hit == "1" for path, hit in zip(CASES["paths"], row, strict=False)}
    assert ours == ({"malformed": True} if row == "malformed" else theirs), patterns


@pytest.mark.feature("N2")
@pytest.mark.parametrize("number", range(len(RECORDED)))
def test_matching_along_a_walk_gives_the_same(number: int) -> None:
    if RECORDED[number] == "malformed":
        return
    compiled = Patterns.compile(CASES["patterns"][number])
    for path in CASES["paths"]:
        parent, hit = None, False
        for depth in range(path.count("/") + 1):
            prefix = "/".join(path.split("/")[: depth + 1])
            hit, parent = compiled.match_below(prefix, parent)
        assert hit == compiled.matches(path), (CASES["patterns"][number], path)


@pytest.mark.feature("N2")
@pytest.mark.go
def test_recording_is_what_go_gives_today() -> None:
    go = shutil.which("go")
    assert go is not None, "go is not on PATH"
    done = subprocess.run(
        [go, "run", ".", "patterns", str(HERE / "cases.json")],
        cwd=HERE / "recorder",
        env={**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"},
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout) == RECORDED
