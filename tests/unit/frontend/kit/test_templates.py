"""The template of a new frontend: a program, a file for it, and tests that pass."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from llb.errors import InputError
from llb.frontend.kit.templates import write

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["README.md", "app.toml", "main.py", "src/hello.sh", "test_main.py"]


def test_files_are_written_into_a_new_directory(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "new"
    assert list(write(folder)) == [folder / name for name in NAMES]
    written = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert written == sorted(NAMES)


def test_the_tests_of_a_new_frontend_pass(tmp_path: Path) -> None:
    list(write(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_a_directory_with_files_is_left_unchanged(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("1")
    with pytest.raises(InputError) as caught:
        list(write(tmp_path))
    assert caught.value.message == f"{tmp_path} is not empty"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_directory_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("1")
    with pytest.raises(InputError) as caught:
        list(write(tmp_path / "file"))
    assert caught.value.message == f"cannot write {tmp_path / 'file'}: File exists"
