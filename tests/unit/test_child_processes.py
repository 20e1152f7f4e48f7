"""Child programs load no modules from the working directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llb.child_processes import environment, python
from tests.fakes.hostile_repository import HostileRepository

# Prints the modules that Python imports for -m before it finds the module.
BEFORE_LLB = "import sys; print(*sys.modules)"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostileRepository:
    hostile = HostileRepository(tmp_path / "repository")
    monkeypatch.chdir(hostile.folder)
    return hostile


@pytest.mark.parametrize("entry", ["", ".", "../repository", os.pathsep])
def test_modules_are_not_loaded_from_a_relative_entry_of_pythonpath(
    repository: HostileRepository, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", entry)
    code = "import ctypes, attr, llb.client.daemon.supervisor, llb.script"
    subprocess.run(python("-c", code), env=environment(), check=True)
    assert repository.imported == []


def test_without_protection_modules_of_the_working_directory_are_run(
    repository: HostileRepository,
) -> None:
    # Newer versions of Python import one of them themselves, and fail.
    subprocess.run([sys.executable, "-c", "import colorsys"], check=False, capture_output=True)
    assert {"colorsys", "linecache"} & set(repository.imported)


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


def test_another_program_run_as_a_module_keeps_its_sys_path(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "__init__.py").write_text("import llb")
    (tmp_path / "own" / "__main__.py").write_text("import sys; print(sys.path[0])")
    done = subprocess.run(
        [sys.executable, "-m", "own"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()) == tmp_path
