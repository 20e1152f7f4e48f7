"""The cookbook: each build has a test with a real daemon, and a section with its commands."""

from __future__ import annotations

import ast
import itertools
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILDS = {path.parent.name: path for path in (ROOT / "examples" / "builds").glob("*/build.py")}
COOKBOOK = ROOT / "docs" / "cookbook"
PAGES = {path.name: path.read_text() for path in COOKBOOK.glob("*.md")}
INDEX = PAGES.pop("index.md")
# The sections of all pages, by the build file that they include.
SECTIONS = {
    name: section
    for page in PAGES.values()
    for section in page.split("\n## ")[1:]
    for name in re.findall(r"literalinclude\} \.\./\.\./examples/builds/(\w+)/build\.py", section)
}


def targets_of(build_file: Path) -> dict[str, set[str]]:
    """Read the names of the targets, and those of their build args."""
    return {
        node.name: {argument.arg for argument in node.args.args} - {"build"}
        for node in ast.parse(build_file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    }


def options_of(command: str, option: str) -> list[str]:
    words = shlex.split(command)
    return [value for name, value in itertools.pairwise(words) if name == option]


def test_every_folder_is_a_build() -> None:
    folders = {path.name for path in (ROOT / "examples" / "builds").iterdir()}
    assert folders == set(BUILDS)
    assert len(BUILDS) > 15


def test_every_build_has_a_test_with_a_daemon() -> None:
    tests = [
        node.name
        for path in (ROOT / "tests" / "e2e").glob("test_cookbook_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
    ]
    tested = {name for name in BUILDS for test in tests if test.startswith(f"test_{name}_")}
    assert sorted(set(BUILDS) - tested) == []


def test_every_build_has_a_section_in_the_index() -> None:
    assert set(SECTIONS) == set(BUILDS)
    headings = {
        f"{page}#{re.sub('[^a-z0-9 -]', '', section.splitlines()[0].lower()).replace(' ', '-')}"
        for page, text in PAGES.items()
        for section in text.split("\n## ")[1:]
    }
    assert set(re.findall(r"\| \[.*?\]\((\w+\.md#[^)]*)\) \|", INDEX)) == headings


@pytest.mark.parametrize("name", sorted(BUILDS))
def test_the_commands_of_a_section_name_its_targets_and_build_args(name: str) -> None:
    section, targets = SECTIONS[name], targets_of(BUILDS[name])
    assert f"\n[{name}](../../examples/builds/{name}): " in section
    commands = re.findall(r"^\$ (llb build build\.py.*)", section, re.MULTILINE)
    assert commands
    build_args = set().union(*targets.values())
    for command in commands:
        assert set(options_of(command, "--target")) <= set(targets)
        given = {value.partition("=")[0] for value in options_of(command, "--build-arg")}
        assert given <= build_args
