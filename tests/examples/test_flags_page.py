"""The table of docs/howto/from-docker-build.md lists flags and options that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from llb.cli import cli
from llb.client import EnvSecret
from llb.client.image_build.request import to_image_build

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "from-docker-build.md").read_text()
ROWS = re.findall(r"^\| (`.*`) \| (.*) \|$", PAGE.partition("## All flags")[2], re.MULTILINE)
OPTIONS = [code for _, cell in ROWS for code in re.findall(r"`(\w+=[^`]+)`", cell)]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "docs").mkdir()
    project = tmp_path / "project"
    (project / "ci").mkdir(parents=True)
    for path in ("Dockerfile", "ci/Dockerfile"):
        (project / path).write_text("FROM scratch\n")
    monkeypatch.chdir(project)
    return project


def test_the_table_has_options() -> None:
    assert len(OPTIONS) > 25


@pytest.mark.parametrize("code", OPTIONS)
def test_an_option_of_the_table_is_accepted(project: Path, code: str) -> None:
    options: Any = eval(f"dict({code})", {"Path": Path, "EnvSecret": EnvSecret})
    # A push and an annotation need a name of the image.
    options.setdefault("tags", "app")
    assert to_image_build(project, options, environ={}).arguments["frontend"]


def test_every_flag_of_the_table_is_one_of_llb_build() -> None:
    flags = {flag for cell, _ in ROWS for flag in re.findall(r"(?<![\w-])--?[a-z][\w-]*", cell)}
    command = cli.get_command(None, "build")  # type: ignore[arg-type]
    assert command is not None
    known = {name for parameter in command.params for name in parameter.opts}
    assert flags <= known
