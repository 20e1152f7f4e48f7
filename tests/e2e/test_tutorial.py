"""docs/frontends.md: its code equals the template's, and all its commands work."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Buildctl

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "llb" / "frontend" / "kit" / "template"
PAGE = (ROOT / "docs" / "frontends.md").read_text()
BIN = Path(sys.executable).parent
STACK = ROOT / "dev" / "stack"


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_shows_the_files_of_the_template() -> None:
    files = [(TEMPLATE / name).read_text() for name in ("main.py", "test_main.py")]
    assert code_blocks("python") == files
    assert code_blocks("toml") == [(TEMPLATE / "app.toml").read_text()]


@pytest.fixture
def environment(
    frontend: str, buildctl: Buildctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """An environment in which the page's commands find llb, pytest, buildctl and docker buildx."""
    assert frontend
    programs = tmp_path / "programs"
    programs.mkdir()
    process = subprocess.run([STACK, "buildx"], check=True, capture_output=True, text=True)
    buildx = process.stdout.strip()
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path / "buildx"))
    create = ["create", "--name", "test", "--driver", "remote", "--use", buildctl.address]
    subprocess.run([buildx, *create], check=True, capture_output=True)
    # Docker would find buildx as a plugin; this script calls it directly instead.
    (programs / "docker").write_text(f'#!/bin/sh\nshift\nexec {buildx} "$@"\n')
    (programs / "docker").chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{programs}:{BIN}:{Path(buildctl.program).parent}:/usr/bin:/bin",
        "BUILDKIT_HOST": buildctl.address,
    }


def test_the_commands_of_the_page_work(
    frontend: str, environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path
    registry = frontend.partition("/")[0]
    commands = [
        line.removeprefix("$ ")
        for block in code_blocks("console")
        for line in block.splitlines()
        if line.startswith("$ ")
    ]
    assert len(commands) == 11
    # The wheels of the frontend image replace PyPI.
    environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(ROOT / "dist" / "wheels")}
    for command in commands:
        words = shlex.split(command.replace("localhost:5000", registry).replace("six", "hpack"))
        if words[0] == "cd":
            folder /= words[1]
            file = folder / "app.toml"
            file.write_text(file.read_text().replace("localhost:5000", registry))
            continue
        if words[0] == "pytest":
            words += ["-p", "no:cacheprovider"]
        process = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert process.returncode == 0, (command, process.stdout, process.stderr)
    assert (folder / "out" / "app" / "hello.sh").exists()


def test_a_mistake_is_shown_with_its_line(environment: dict[str, str], tmp_path: Path) -> None:
    subprocess.run(["llb", "frontend", "new", "apps"], cwd=tmp_path, env=environment, check=True)
    (tmp_path / "apps" / "app.toml").write_text(
        '[images.app]\nbase = "busybox"\nrun = ["exit 9"]\n'
    )
    process = subprocess.run(
        ["llb", "frontend", "try", "main.py", "."],
        cwd=tmp_path / "apps",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert '3 | >>> run = ["exit 9"]' in process.stderr


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "import nothing\n",
            "the frontend crashed: ModuleNotFoundError: No module named 'nothing'",
        ),
        ("print('x')\n", "the frontend main.py exited with status 0 without an answer"),
        ("import sys\nsys.exit(4)\n", "the frontend main.py exited with status 4"),
        ("def f(:\n", "SyntaxError: invalid syntax"),
        ("import os\nos.write(1, b'no gRPC')\nprint('x')\n", "without an answer"),
        ("import os\nos._exit(5)\n", "exit code: 5"),
    ],
)
def test_the_error_of_a_failed_frontend_reaches_its_user(
    source: str, message: str, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "main.py").write_text(source)
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "Dockerfile").touch()
    process = subprocess.run(
        ["llb", "frontend", "try", "checkout/main.py", "context"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert message in process.stderr
