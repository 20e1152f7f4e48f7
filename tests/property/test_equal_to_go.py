"""Any graph has the same definition as with Go's client/llb."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from llb import LLBError, shlex
from tests.conformance.llb import go, programs
from tests.property import llb_programs as drawn
from tests.property.llb_values import DIGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conformance.llb.programs import Program, Statement

pytestmark = pytest.mark.go

# ``make fuzz-llb`` runs more examples.
EXAMPLES = 60
bounded = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
REFUSED: list[Statement] = [
    *[
        {"op": "image", "ref": ref}
        for ref in ("", "Alpine", "a b", "alpine:", "alpine@sha256:12", "a" * 64, "-x", "x/", "é")
    ],
    *[
        {"op": op, "ref": ref}
        for op in ("image_blob", "oci_layout_blob")
        for ref in ("app", "app:1", f"app:1@{DIGEST}", "App", "")
    ],
    {"op": "run", "on": 0, "args": []},
    {"op": "run", "on": 0, "shlex": ""},
    {"op": "run", "on": 0, "shlex": " # a comment"},
    {"op": "passthrough", "id": "", "states": [0]},
    {"op": "requires", "id": "", "on": 0, "requires": [0]},
    {"op": "requires", "id": "x", "on": 1, "requires": [0]},
    {"op": "build", "on": 1},
    *[{"op": "image_config", "on": 0, "config": config} for config in ("", "{", "[]", '"x"')],
    *[{"op": "mounted", "on": 2, "target": target} for target in ("/cache", "/tmpfs", "/gone")],
]
BASE: list[Statement] = [
    {"op": "image", "ref": "alpine"},
    {"op": "scratch"},
    {
        "op": "run",
        "on": 0,
        "args": ["ls"],
        "mounts": [
            {"kind": "cache", "target": "/cache"},
            {"kind": "tmpfs", "target": "/tmpfs"},
            {"kind": "bind", "target": "/gone", "discard": True},
        ],
    },
]


@pytest.fixture(scope="module")
def recorder() -> Iterator[go.Go]:
    with go.running() as process:
        yield process


@bounded
@given(program=drawn.programs())
def test_programs_build_the_definitions_of_go(recorder: go.Go, program: Program) -> None:
    assert programs.run(program) == recorder.run(program)


@pytest.mark.parametrize("statement", REFUSED, ids=str)
def test_what_go_refuses_is_refused(recorder: go.Go, statement: Statement) -> None:
    program = {"states": [*BASE, statement]}
    with pytest.raises(go.Refused):
        recorder.run(program)
    with pytest.raises(LLBError):
        programs.run(program)


@bounded
@given(command=st.text(st.sampled_from("ab \t\n\"'\\\\#é$"), max_size=12))
def test_command_lines_are_split_as_in_go(recorder: go.Go, command: str) -> None:
    try:
        shlex(command)
    except LLBError:
        # Go drops a word with an unterminated quote, and all words after it.
        reject()
    program = {"states": [*BASE, {"op": "run", "on": 0, "shlex": f"echo {command}"}]}
    assert programs.run(program) == recorder.run(program)
