"""The example of an extended language converts, and its guide shows the same program."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

from llb.dockerfile import ImageTable, ResolvedImage, convert

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "05_extension"
CONFIG = b'{"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": ["sha256:a"]}}'


def test_the_guide_shows_the_files_of_the_example() -> None:
    guide = (ROOT / "docs" / "extending.md").read_text()
    blocks = re.findall(r"```(?:python|dockerfile)\n(.*?)```", guide, re.DOTALL)
    program, image, used, without_daemon = blocks
    assert program == (EXAMPLE / "main.py").read_text()
    assert image == (EXAMPLE / "Dockerfile").read_text()
    assert used in (EXAMPLE / "README.md").read_text()
    scope = runpy.run_path(str(EXAMPLE / "main.py"))
    assert len(converted_by(without_daemon, scope)) == 2


def converted_by(code: str, scope: dict[str, object]) -> tuple[bytes, ...]:
    """Run code of the guide, and get the operations of its conversion."""
    exec(compile(code, "extending.md", "exec"), scope)
    operations: tuple[bytes, ...] = scope["converted"].definition.ops  # type: ignore[attr-defined]
    return operations


def test_the_example_adds_one_instruction_and_one_check() -> None:
    scope = runpy.run_path(str(EXAMPLE / "main.py"))
    conversion = convert(
        "FROM debian\nAPT git\nRUN apt-get update\nRUN true\n",
        resolver=ImageTable({"*": ResolvedImage(f"sha256:{'0' * 64}", CONFIG)}),
        language=scope["LANGUAGE"],
    )
    vertices = conversion.definition.vertices()
    (installed,) = (vertex for vertex in vertices if "git" in str(vertex.op))
    assert installed.op["meta"]["args"][-1] == (
        "apt-get update -q && apt-get install -qy --no-install-recommends git"
    )
    assert conversion.warnings == (
        "RunAptGet: APT keeps what it loads for other builds, RUN apt-get does not (line 3)",
    )


def test_the_example_has_about_thirty_lines() -> None:
    code = (EXAMPLE / "main.py").read_text().partition("\n\n\n")[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 30


def test_without_a_daemon_there_is_no_traceback() -> None:
    completed = subprocess.run(
        [sys.executable, EXAMPLE / "main.py"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 1
    assert completed.stderr.startswith("error: ")
    assert "Traceback" not in completed.stderr
