"""``llb dump``, ``llb graph``, ``llb diff`` and ``llb explain`` as programs, beside buildctl."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import dump
from llb.definition.definition import Definition
from tests.unit.definitions import every_kind

if TYPE_CHECKING:
    from tests.e2e.conftest import Buildctl

TESTS = Path(__file__).parents[1]
RECORDED = json.loads((TESTS / "conformance" / "llb" / "recorded.json").read_text())
GOLDEN = TESTS / "golden" / "llb"
SCRIPT = "from llb import Image, main\nmain(Image('busybox').run('echo {}'))\n"


def llb(
    *arguments: str | Path, stdin: bytes = b"", path: str | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "llb", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env={**os.environ, **({} if path is None else {"PATH": path})},
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


@pytest.fixture
def every(tmp_path: Path) -> Path:
    path = tmp_path / "every.pb"
    every_kind().to_file(path)
    return path


@pytest.fixture
def scripts(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "old.py", tmp_path / "new.py"
    for path, word in zip(paths, ("one", "two"), strict=True):
        path.write_text(SCRIPT.format(word))
    return paths


def lines(text: str) -> list[object]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_equals_that_of_buildctl_for_every_kind(every: Path, buildctl: Buildctl) -> None:
    assert lines(llb("dump", every, "--format", "json").stdout) == lines(
        buildctl("debug", "dump-llb", every)
    )


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_json_equals_that_of_buildctl(name: str, tmp_path: Path, buildctl: Buildctl) -> None:
    path = tmp_path / "x.pb"
    path.write_bytes(base64.b64decode(RECORDED[name]))
    assert dump.json(Definition.from_file(path)) == buildctl("debug", "dump-llb", path)


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("text", "every.txt"),
        ("json", "every.json"),
        ("tree", "every.tree"),
        ("dot", "every.dot"),
        ("mermaid", "every.mmd"),
    ],
)
def test_dump_has_five_forms_on_the_screen_and_in_files(
    form: str, name: str, every: Path, tmp_path: Path
) -> None:
    expected = (GOLDEN / name).read_text()
    assert llb("dump", "-", "--format", form, stdin=every.read_bytes()).stdout == expected
    done = llb("dump", every, "--format", form, "-o", tmp_path / "out")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "out").read_text() == expected


def test_graph_draws_on_the_screen_and_as_text(every: Path, tmp_path: Path) -> None:
    assert llb("graph", every).stdout == (GOLDEN / "every.tree").read_text()
    assert llb("graph", every, "--format", "mermaid").stdout == (GOLDEN / "every.mmd").read_text()
    for suffix, name in ((".mmd", "every.mmd"), (".dot", "every.dot")):
        assert llb("graph", every, "-o", tmp_path / f"g{suffix}").returncode == 0
        assert (tmp_path / f"g{suffix}").read_text() == (GOLDEN / name).read_text()


def test_graph_draws_a_picture_with_the_labels(every: Path, tmp_path: Path) -> None:
    done = llb("graph", every, "-o", tmp_path / "g.svg")
    assert (done.returncode, done.stderr) == (0, "")
    assert "compile \\x1b[31m" in (tmp_path / "g.svg").read_text()


def test_without_graphviz_the_graph_is_written_beside(every: Path, tmp_path: Path) -> None:
    done = llb("graph", every, "-o", tmp_path / "g.svg", path="/nowhere")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"graphviz is not installed; the graph is in {tmp_path}/g.dot\n"
    assert (tmp_path / "g.dot").read_text() == (GOLDEN / "every.dot").read_text()


def test_diff_names_the_field_at_the_line_that_made_the_step(scripts: tuple[Path, Path]) -> None:
    done = llb("diff", *scripts)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        "~ new.py:2: run echo two\n    exec.meta.args: echo one → echo two\n\n1 changed, 1 the same\n"
    )


def test_diff_of_equal_definitions_exits_with_0(scripts: tuple[Path, Path]) -> None:
    done = llb("diff", scripts[0], scripts[0])
    assert (done.returncode, done.stdout, done.stderr) == (0, "no differences\n", "")


def test_explain_says_which_steps_cannot_be_reused(scripts: tuple[Path, Path]) -> None:
    done = llb("explain", *scripts)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        "~ new.py:2: run echo two\n    exec.meta.args: echo one → echo two\n\n"
        "1 of 2 steps cannot be reused\n"
    )
    assert llb("explain", scripts[1], scripts[1]).returncode == 0


@pytest.mark.parametrize("command", ["dump", "graph", "diff", "explain"])
def test_a_file_that_is_no_definition_is_one_line_and_a_hint(
    command: str, tmp_path: Path, every: Path
) -> None:
    bad = tmp_path / "bad.pb"
    bad.write_text("hello")
    two, named = ((every,), f"{bad}: ") if command in ("diff", "explain") else ((), "")
    done = llb(command, *two, bad)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: {named}invalid LLB definition\n"
        "hint: expected the output of a build script, or of State.marshal().to_bytes()\n"
    )


def test_standard_input_is_one_definition() -> None:
    done = llb("diff", "-", "-")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("Error: standard input holds one definition, not two\n")


def test_a_place_that_cannot_be_written_is_told(every: Path) -> None:
    done = llb("dump", every, "-o", "/nowhere/x")
    assert (done.returncode, done.stderr) == (
        1,
        "error: cannot write /nowhere/x: No such file or directory\n",
    )
