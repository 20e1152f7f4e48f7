"""``llb imagetools`` prints and pushes what buildx v0.38.2 prints and pushes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from llb.cli import cli
from llb.errors import LLBError
from tests.conformance.imagetools.cases import CASES
from tests.conformance.imagetools.runs import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conformance.imagetools.cases import Case

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("recorded.json").read_text())


def llb(arguments: Sequence[str]) -> tuple[int, bytes, str]:
    result = CliRunner().invoke(cli, arguments)
    if result.exception is not None and not isinstance(result.exception, LLBError | SystemExit):
        raise result.exception
    return result.exit_code, result.stdout_bytes, str(result.exception)


@pytest.mark.feature("S1", "S2")
@pytest.mark.filterwarnings("ignore:a manifest list of Docker has no annotations")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_runs_are_equal(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    expected, actual = (
        {key: value for key, value in record.items() if key != "error"}
        for record in (RECORDED[case.name], run(case, llb, tmp_path))
    )
    assert actual == expected


def test_every_case_is_recorded() -> None:
    assert [case.name for case in CASES] == list(dict.fromkeys(case.name for case in CASES))
    assert set(RECORDED) == {case.name for case in CASES}
