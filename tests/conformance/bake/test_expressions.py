"""Expressions have the values that buildx gives them, with all of its functions."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from llb.bake.evaluation.calls import SPECIAL_FORMS
from llb.bake.evaluation.expressions import evaluate
from llb.bake.evaluation.scope import Scope
from llb.bake.functions import FUNCTIONS
from llb.bake.hcl.expressions import parse_whole
from llb.bake.hcl.nodes import calls
from llb.bake.hcl.places import BakeFile
from llb.bake.hcl.tokens import Scanner
from llb.bake.values.json import to_json
from llb.bake.values.value import integer, object_of, string, tuple_of
from llb.errors import BakeFileError
from tests.conformance.llb.go import environment, program

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / "recorded_expressions.json").read_text())
# The variables of the recorder.
SCOPE = Scope(
    {
        "a": string("A"),
        "n": integer(3),
        "list": tuple_of([string("x"), string("y")]),
        "map": object_of({"one": integer(1), "two": string("zwei")}),
    },
    FUNCTIONS,
)


def parsed(text: str) -> Scanner:
    return Scanner(BakeFile("x.hcl", text))


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["expression"][:40])
def test_an_expression_has_the_value_of_buildx(case: dict[str, str]) -> None:
    if "error" in case:
        with pytest.raises(BakeFileError):
            evaluate(parse_whole(parsed(case["expression"])), SCOPE)
        return
    value = evaluate(parse_whole(parsed(case["expression"])), SCOPE)
    assert (value.type.friendly, to_json(value)) == (case["type"], case["value"])


def test_every_function_is_called() -> None:
    valid = [case["expression"] for case in RECORDED if "error" not in case]
    called = {call.name for text in valid for call in calls(parse_whole(parsed(text)))}
    # Bytes are no values of bake files; hashes with bcrypt are random, and RSA needs a key.
    untested = {"byteslen", "bytesslice", "bcrypt", "rsadecrypt"}
    assert {*FUNCTIONS, *SPECIAL_FORMS} - called == untested


@pytest.mark.go
def test_recording_is_what_buildx_evaluates_today(tmp_path: Path) -> None:
    recorder = tmp_path / "recorder"
    subprocess.run(
        [program(), "build", "-o", recorder, "./expressions"],
        cwd=HERE / "recorder",
        env=environment(),
        check=True,
    )
    process = subprocess.run([recorder, HERE / "expressions.json"], capture_output=True, check=True)
    assert json.loads(process.stdout) == RECORDED
