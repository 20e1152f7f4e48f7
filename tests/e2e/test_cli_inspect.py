"""``llb dump``, ``graph``, ``diff`` and ``explain`` as programs, compared with buildctl."""

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
SCRIPT = """\
from llb import Image, main
main(Image('busybox', inherit_config=False).run('echo {}'))
"""


def llb(
    *arguments: str | Path, stdin: bytes = b"", path: str | None = None
) -> subprocess.CompletedProcess[str]:
    process = subprocess.run(
        [sys.executable, "-m", "llb", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env={**os.environ, **({} if path is None else {"PATH": path})},
        check=False,
    )
    return subprocess.CompletedProcess(
        process.args, process.returncode, process.stdout.decode(), process.stderr.decode()
    )


@pytest.fixture
def definition_file(tmp_path: Path) -> Path:
    path = tmp_path / "every.pb"
    every_kind().to_file(path)
    return path


@pytest.fixture
def scripts(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "old.py", tmp_path / "new.py"
    for path, word in zip(paths, ("one", "two"), strict=True):
        path.write_text(SCRIPT.format(word))
    return paths


def parse_lines(output: str) -> list[object]:
    return [json.loads(line) for line in output.splitlines()]


def test_the_json_dump_of_every_kind_equals_buildctl(
    definition_file: Path, buildctl: Buildctl
) -> None:
    assert parse_lines(llb("dump", definition_file, "--format", "json").stdout) == parse_lines(
        buildctl("debug", "dump-llb", definition_file)
    )


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_the_json_dump_equals_buildctl(name: str, tmp_path: Path, buildctl: Buildctl) -> None:
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
def test_dump_prints_and_writes_five_formats(
    form: str, name: str, definition_file: Path, tmp_path: Path
) -> None:
    expected = (GOLDEN / name).read_text()
    assert llb("dump", "-", "--format", form, stdin=definition_file.read_bytes()).stdout == expected
    process = llb("dump", definition_file, "--format", form, "-o", tmp_path / "out")
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
    assert (tmp_path / "out").read_text() == expected


def test_graph_prints_a_tree_and_writes_text_formats(definition_file: Path, tmp_path: Path) -> None:
    assert llb("graph", definition_file).stdout == (GOLDEN / "every.tree").read_text()
    assert (
        llb("graph", definition_file, "--format", "mermaid").stdout
        == (GOLDEN / "every.mmd").read_text()
    )
    for suffix, name in ((".mmd", "every.mmd"), (".dot", "every.dot")):
        assert llb("graph", definition_file, "-o", tmp_path / f"g{suffix}").returncode == 0
        assert (tmp_path / f"g{suffix}").read_text() == (GOLDEN / name).read_text()


def test_graph_draws_a_picture_with_the_labels(definition_file: Path, tmp_path: Path) -> None:
    process = llb("graph", definition_file, "-o", tmp_path / "g.svg")
    assert (process.returncode, process.stderr) == (0, "")
    assert "compile \\x1b[31m" in (tmp_path / "g.svg").read_text()


def test_without_graphviz_the_dot_source_is_written_instead(
    definition_file: Path, tmp_path: Path
) -> None:
    process = llb("graph", definition_file, "-o", tmp_path / "g.svg", path="/nowhere")
    assert (process.returncode, process.stdout) == (0, "")
    assert process.stderr == f"graphviz is not installed; the graph is in {tmp_path}/g.dot\n"
    assert (tmp_path / "g.dot").read_text() == (GOLDEN / "every.dot").read_text()


def test_diff_names_the_changed_field_and_the_line_of_the_step(scripts: tuple[Path, Path]) -> None:
    process = llb("diff", *scripts)
    assert (process.returncode, process.stderr) == (1, "")
    assert process.stdout == (
        "~ new.py:2: run echo two\n    exec.meta.args: echo one → echo two\n\n1 changed, 1 the same\n"
    )


def test_diff_of_equal_definitions_exits_with_0(scripts: tuple[Path, Path]) -> None:
    process = llb("diff", scripts[0], scripts[0])
    assert (process.returncode, process.stdout, process.stderr) == (0, "no differences\n", "")


def test_explain_lists_steps_that_cannot_be_reused(scripts: tuple[Path, Path]) -> None:
    process = llb("explain", *scripts)
    assert (process.returncode, process.stderr) == (1, "")
    assert process.stdout == (
        "~ new.py:2: run echo two\n    exec.meta.args: echo one → echo two\n\n"
        "1 of 2 steps cannot be reused\n"
    )
    assert llb("explain", scripts[1], scripts[1]).returncode == 0


@pytest.mark.parametrize("command", ["dump", "graph", "diff", "explain"])
def test_an_invalid_definition_is_an_error_with_a_hint(
    command: str, tmp_path: Path, definition_file: Path
) -> None:
    bad = tmp_path / "bad.pb"
    bad.write_text("hello")
    others, prefix = (
        ((definition_file,), f"{bad}: ") if command in ("diff", "explain") else ((), "")
    )
    process = llb(command, *others, bad)
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr == (
        f"error: {prefix}invalid LLB definition\n"
        "hint: expected the output of a build script, or of State.marshal().to_bytes()\n"
    )


def test_standard_input_cannot_be_two_definitions() -> None:
    process = llb("diff", "-", "-")
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr.endswith("Error: standard input holds one definition, not two\n")


def test_an_output_file_that_cannot_be_written_is_named(definition_file: Path) -> None:
    process = llb("dump", definition_file, "-o", "/nowhere/x")
    assert (process.returncode, process.stderr) == (
        1,
        "error: cannot write /nowhere/x: No such file or directory\n",
    )
