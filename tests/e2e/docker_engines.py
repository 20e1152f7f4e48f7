"""The Docker Engines of the tests, which are run without the program ``docker`` on PATH.

Docker 20.10 is Debian bookworm's; 26.1 is trixie's, with each of its image stores.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.conftest import STACK
from tests.e2e.servers import DockerEngine

if TYPE_CHECKING:
    import pytest

OLD = "20.10"
OVERLAY2 = "26.1-overlay2"
CONTAINERD = "26.1-containerd"
ENGINES = (OLD, OVERLAY2, CONTAINERD)
PROGRAM = shutil.which("docker")


def to_engine(name: str) -> DockerEngine:
    """Find the programs of one of the ENGINES; those of a newer one are downloaded once."""
    if name == OLD:
        return DockerEngine()
    process = subprocess.run([STACK, "docker"], check=True, capture_output=True, text=True)
    return DockerEngine(process.stdout.strip(), has_containerd_store=name == CONTAINERD)


def docker(*arguments: str | Path) -> str:
    """Run Docker's CLI, to look at what was built, and return its output."""
    assert PROGRAM is not None
    process = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout


def hide_program(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set PATH to a folder with links to all programs except ``docker``."""
    programs = folder / "programs-without-docker"
    if not programs.exists():
        programs.mkdir()
        for place in os.environ["PATH"].split(os.pathsep):
            for program in Path(place).glob("*"):
                link = programs / program.name
                if program.name != "docker" and not link.exists() and not link.is_symlink():
                    link.symlink_to(program)
    monkeypatch.setenv("PATH", str(programs))
    assert shutil.which("docker") is None
