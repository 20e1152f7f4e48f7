"""Templates print what Go's text/template prints; what is not supported is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from llb.errors import InvalidValueError
from llb.gocompat.json import marshal_indent, untyped
from llb.gocompat.template.template import Template
from llb.gocompat.template.values import to_jsonable

FOLDER = Path(__file__).parent
CASES: dict[str, Any] = json.loads((FOLDER / "cases.json").read_text())
RECORDED: list[dict[str, Any]] = json.loads((FOLDER / "recorded.json").read_text())
# What Go has, and this package refuses with an error.
REFUSED = {
    '{{printf "%d" .one}}',
    '{{printf "%s" 5}}',
    '{{printf "a" 1}}',
    '{{printf "%s"}}',
    '{{printf "%x" 10}}',
    "{{'a'}}",
    "{{0b11}} {{0o17}}",
    "{{1_000}}",
    "{{.name | }}",
    '{{define "x"}}{{end}}',
    '{{block "x" .}}b{{end}}',
    "{{html .html}}",
    "{{js .tab}}",
    "{{urlquery .html}}",
    "{{slice .name 1 2}}",
    "{{slice .list 1}}",
}


def render(text: str) -> str | None:
    """Print a template for the data of the cases; None if it is refused."""
    functions = {"json": lambda value: marshal_indent(to_jsonable(value))}
    try:
        return Template.parse(text, functions).render(untyped(CASES["data"]))
    except InvalidValueError:
        return None


@pytest.mark.feature("S2")
@pytest.mark.parametrize("record", RECORDED, ids=lambda record: record["template"])
def test_templates_are_equal(record: dict[str, Any]) -> None:
    expected = None if record["template"] in REFUSED else record["output"]
    assert render(record["template"]) == expected


def test_every_case_is_recorded() -> None:
    assert [record["template"] for record in RECORDED] == CASES["templates"]


@pytest.mark.go
def test_recording_is_what_go_gives_today() -> None:
    go = shutil.which("go")
    assert go is not None, "go is not on PATH"
    process = subprocess.run(
        [go, "run", "."],
        cwd=FOLDER / "recorder",
        env={**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"},
        input=(FOLDER / "cases.json").read_bytes(),
        capture_output=True,
        check=True,
    )
    fresh = json.loads(process.stdout)
    # Errors are worded anew by each version of Go.
    assert [(one["template"], one["output"]) for one in fresh] == [
        (one["template"], one["output"]) for one in RECORDED
    ]
