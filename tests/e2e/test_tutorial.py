"""docs/frontends.md, done: every block is what the template has, every command is run."""

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


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_the_files_are_those_of_the_template() -> None:
    files = [(TEMPLATE / name).read_text() for name in ("main.py", "test_main.py")]
    assert blocks("python") == files
    assert blocks("toml") == [(TEMPLATE / "app.toml").read_text()]


@pytest.fixture
def environment(
    frontend: str, buildctl: Buildctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """What the commands of the page find: llb, pytest, buildctl, and docker's buildx."""
    assert frontend
    programs = tmp_path / "programs"
    programs.mkdir()
    done = subprocess.run([STACK, "buildx"], check=True, capture_output=True, text=True)
    buildx = done.stdout.strip()
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path / "buildx"))
    create = ["create", "--name", "test", "--driver", "remote", "--use", buildctl.address]
    subprocess.run([buildx, *create], check=True, capture_output=True)
    # Debian's docker finds buildx as a plugin; here it is called by its own name.
    (programs / "docker").write_text(f'#!/bin/sh\nshift\nexec {buildx} "$@"\n')
    (programs / "docker").chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{programs}:{BIN}:{Path(buildctl.program).parent}:/usr/bin:/bin",
        "BUILDKIT_HOST": buildctl.address,
    }


def test_the_commands_work(frontend: str, environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path
    registry = frontend.partition("/")[0]
    commands = [
        line.removeprefix("$ ")
        for block in blocks("console")
        for line in block.splitlines()
        if line.startswith("$ ")
    ]
    assert len(commands) == 9
    for command in commands:
        words = shlex.split(command.replace("localhost:5000", registry))
        if words[0] == "cd":
            folder /= words[1]
            file = folder / "app.toml"
            file.write_text(file.read_text().replace("localhost:5000", registry))
            continue
        if words[0] == "pytest":
            words += ["-p", "no:cacheprovider"]
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert (folder / "out" / "app" / "hello.sh").exists()


def test_a_mistake_is_shown_with_its_line(environment: dict[str, str], tmp_path: Path) -> None:
    subprocess.run(["llb", "frontend", "new", "apps"], cwd=tmp_path, env=environment, check=True)
    (tmp_path / "apps" / "app.toml").write_text(
        '[images.app]\nbase = "busybox"\nrun = ["exit 9"]\n'
    )
    done = subprocess.run(
        ["llb", "frontend", "try", "main.py", ".", "-f", "app.toml"],
        cwd=tmp_path / "apps",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert '3 | >>> run = ["exit 9"]' in done.stderr


@pytest.mark.parametrize(
    ("text", "told"),
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
def test_a_program_that_fails_is_told_to_its_user(
    text: str, told: str, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "main.py").write_text(text)
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "Dockerfile").touch()
    done = subprocess.run(
        ["llb", "frontend", "try", "checkout/main.py", "context"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert told in done.stderr
