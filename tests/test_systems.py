"""``llb`` works on a system that lacks what macOS or Windows lacks (``make test-as-windows``)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
each_system = pytest.mark.parametrize("system", ["darwin", "windows"])


def run_as(system: str, *arguments: str) -> str:
    """Run a module whose llb sees another system, and return its output."""
    process = subprocess.run(
        [sys.executable, "-m", "tests.systems", system, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


@each_system
def test_the_command_shows_its_help(system: str) -> None:
    assert "Build images with BuildKit" in run_as(system, "llb", "--help")


@each_system
def test_every_module_is_imported_and_a_build_sends_and_receives_files(system: str) -> None:
    printed = run_as(system, "tests.systems.short")
    # The program has seen the other system, and not this one.
    assert printed == f"locks of folders: {system == 'darwin'}\n"
