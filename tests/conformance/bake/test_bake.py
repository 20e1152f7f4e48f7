"""Bake files give the targets of buildx: the JSON of `--print` is equal byte for byte.

The recorder runs the packages of buildx on the cases. Errors have words of our own.
"""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from llb.bake.definitions.preparation import prepared
from llb.bake.definitions.printing import to_print
from llb.bake.loading import load
from llb.errors import LLBError
from tests.conformance.llb.go import environment, program

HERE = Path(__file__).parent
CASES: list[dict[str, Any]] = tomllib.loads((HERE / "cases.toml").read_text())["case"]
RECORDED: list[dict[str, str]] = json.loads((HERE / "recorded.json").read_text())
DEFAULT = "docker-bake.hcl"


def read_by(case: dict[str, Any]) -> list[str]:
    """The names of the files that the case reads."""
    read: list[str] = case.get("read", [DEFAULT])
    return read


def test_every_case_is_recorded() -> None:
    assert [case["name"] for case in CASES] == [each["name"] for each in RECORDED]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda at: CASES[at]["name"])
def test_a_bake_file_is_printed_as_by_buildx(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, recorded = CASES[number], RECORDED[number]
    monkeypatch.chdir(tmp_path)
    for name, text in case["files"].items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)

    def printed() -> str:
        plan = load(
            read_by(case),
            variables=case.get("vars", {}),
            overrides=case.get("set", ()),
            environ={"HOME": "/home/user", **case.get("environment", {})},
        )
        return to_print(prepared(plan.select(case.get("targets", ["default"]))))

    if "error" in recorded:
        with pytest.raises(LLBError):
            printed()
    else:
        assert printed() + "\n" == recorded["output"]


@pytest.mark.go
def test_recording_is_what_buildx_prints_today(tmp_path: Path) -> None:
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps([{**case, "read": read_by(case)} for case in CASES]))
    recorder = tmp_path / "recorder"
    subprocess.run(
        [program(), "build", "-o", recorder, "."],
        cwd=HERE / "recorder",
        env=environment(),
        check=True,
    )
    process = subprocess.run(
        [recorder, cases], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert json.loads(process.stdout) == RECORDED
