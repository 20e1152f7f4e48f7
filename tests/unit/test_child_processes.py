"""No program that is started here loads modules from the working directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llb.child_processes import environment, python
from tests.fakes.hostile_repository import HostileRepository

# What Python itself imports for -m before it has found the module, and this package by its name.
BEFORE_LLB = "import sys; print(*sys.modules)"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostileRepository:
    made = HostileRepository(tmp_path / "repository")
    monkeypatch.chdir(made.folder)
    return made


@pytest.mark.parametrize("entry", ["", ".", "../repository", os.pathsep])
def test_a_relative_entry_of_pythonpath_is_no_place_for_modules(
    repository: HostileRepository, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", entry)
    code = "import ctypes, attr, llb.client.daemon.supervisor, llb.script"
    subprocess.run(python("-c", code), env=environment(), check=True)
    assert repository.imported == []


def test_without_that_the_modules_of_the_working_directory_are_run(
    repository: HostileRepository,
) -> None:
    subprocess.run([sys.executable, "-c", "import colorsys"], check=True)
    assert repository.imported[-1] == "colorsys"


def test_absolute_entries_of_pythonpath_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/one", "two", "", "/three"]))
    assert environment()["PYTHONPATH"] == os.pathsep.join(["/one", "/three"])
    assert environment({"A": "b"})["A"] == "b"
    monkeypatch.setenv("PYTHONPATH", "two")
    assert "PYTHONPATH" not in environment()


def test_python_m_llb_leaves_the_working_directory_before_it_imports_anything(
    tmp_path: Path,
) -> None:
    (tmp_path / "probe.py").write_text(BEFORE_LLB)
    done = subprocess.run(
        [sys.executable, "-m", "probe"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    repository = HostileRepository(
        tmp_path / "repository", without=["llb", *done.stdout.replace(".", " ").split()]
    )
    for arguments in (["-m", "llb"], ["-mllb"], ["-X", "dev", "-W", "ignore", "-m", "llb"]):
        done = subprocess.run(
            [sys.executable, *arguments, "--version"],
            cwd=repository.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.startswith("llb")
    assert repository.imported == []


def test_another_program_that_is_run_as_a_module_keeps_its_path(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "__init__.py").write_text("import llb")
    (tmp_path / "own" / "__main__.py").write_text("import sys; print(sys.path[0])")
    done = subprocess.run(
        [sys.executable, "-m", "own"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()) == tmp_path
