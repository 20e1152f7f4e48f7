"""``llb dump`` and ``llb graph``: print and draw definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb import Image, dump
from tests.fakes.command import llb

if TYPE_CHECKING:
    from pathlib import Path

DEFINITION = Image("alpine").run("make").marshal(platform="linux/amd64")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "build.pb"
    DEFINITION.to_file(path)
    return path


FORMS = {
    "text": dump.text(DEFINITION),
    "json": dump.json(DEFINITION),
    "tree": dump.tree(DEFINITION),
    "dot": dump.dot(DEFINITION),
    "mermaid": dump.mermaid(DEFINITION),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_definition_is_printed_in_each_format(source: Path, form: str) -> None:
    assert llb("dump", source, "--format", form).stdout == FORMS[form]


def test_a_definition_is_read_from_standard_input() -> None:
    assert llb("dump", "-", stdin=DEFINITION.to_bytes()).stdout == FORMS["text"]


def test_a_dump_is_written_to_a_file(source: Path, tmp_path: Path) -> None:
    ran = llb("dump", source, "-o", tmp_path / "out")
    assert (ran.stdout, (tmp_path / "out").read_text()) == ("", FORMS["text"])


def test_a_graph_is_drawn_as_a_tree(source: Path) -> None:
    assert llb("graph", source).stdout == FORMS["tree"]
    assert llb("graph", source, "--format", "dot").stdout == FORMS["dot"]


@pytest.mark.parametrize(
    ("name", "form"), [("a.dot", "dot"), ("a.gv", "dot"), ("a.mmd", "mermaid"), ("a.txt", "tree")]
)
def test_the_file_extension_determines_the_format(
    source: Path, tmp_path: Path, name: str, form: str
) -> None:
    assert llb("graph", source, "-o", tmp_path / name).status == 0
    assert (tmp_path / name).read_text() == FORMS[form]


def test_an_explicit_format_overrides_the_file_extension(source: Path, tmp_path: Path) -> None:
    llb("graph", source, "-o", tmp_path / "a.svg", "--format", "mermaid")
    assert (tmp_path / "a.svg").read_text() == FORMS["mermaid"]


def graphviz(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\ncd {folder}\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_a_picture_is_drawn_by_graphviz(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphviz(tmp_path, 'echo "$@" > arguments; cat > graph; echo "<svg/>"', monkeypatch)
    assert llb("graph", source, "-o", tmp_path / "a.svg").status == 0
    assert (tmp_path / "arguments").read_text() == "-Tsvg\n"
    assert (tmp_path / "graph").read_text() == FORMS["dot"]
    assert (tmp_path / "a.svg").read_text() == "<svg/>\n"


def test_the_error_of_graphviz_is_shown(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphviz(tmp_path, "cat > /dev/null; echo unknown format >&2; exit 1", monkeypatch)
    ran = llb("graph", source, "-o", tmp_path / "a.xyz")
    assert (ran.status, ran.stderr) == (
        1,
        f"error: graphviz could not draw {tmp_path}/a.xyz: unknown format\n",
    )


def test_without_graphviz_the_graph_is_written_instead(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    ran = llb("graph", source, "-o", tmp_path / "a.svg")
    assert (ran.status, ran.stderr) == (
        0,
        f"graphviz is not installed; the graph is in {tmp_path}/a.dot\n",
    )
    assert (tmp_path / "a.dot").read_text() == FORMS["dot"]


def test_a_picture_without_a_file_extension_is_refused(source: Path, tmp_path: Path) -> None:
    ran = llb("graph", source, "-o", tmp_path / "picture")
    assert ran.status == 2
    assert ran.stderr.endswith(
        f"no file extension in {tmp_path}/picture: expected a name such as graph.svg\n"
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_definition_cannot_drive_the_terminal(form: str, tmp_path: Path) -> None:
    hostile = Image("alpine").run(["\x1b]0;title\x07\x9b2J"], name="\x1b]0;title\x07\x9b2J")
    hostile.marshal(platform="linux/amd64").to_file(tmp_path / "build.pb")
    output = llb("dump", tmp_path / "build.pb", "--format", form).stdout
    assert "title" in output
    assert [character for character in output if character in "\x1b\x07\x9b"] == []
