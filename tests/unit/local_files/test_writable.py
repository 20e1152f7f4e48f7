from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from llb.errors import InputError
from llb.local_files.writable import check_directory, check_file

if TYPE_CHECKING:
    import pytest


def reason(check: object, *arguments: object, **options: object) -> str:
    """The reason why a check fails, empty if it does not."""
    assert callable(check)
    try:
        check(*arguments, **options)
    except InputError as error:
        path, _, text = error.message.removeprefix("cannot write ").rpartition(": ")
        assert path == str(arguments[0])
        return text
    return ""


def test_files(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("missing")
    reasons = {
        "file": "",
        "new": "",
        "pipe": "",
        "link": "",
        "": "Is a directory",
        "missing/new": "No such file or directory",
        "file/new": "Not a directory",
        "x" * 300: "File name too long",
    }
    assert {name: reason(check_file, tmp_path / name) for name in reasons} == reasons
    assert reason(check_file, "/proc/self/fd/1") == ""


def test_a_folder_may_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    missing = tmp_path / "a" / "b" / "new"
    assert reason(check_file, missing, creates_folder=True) == ""
    assert reason(check_file, tmp_path / "file" / "new", creates_folder=True) == "Not a directory"
    assert not missing.parent.parent.exists()


def test_directories(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    reasons = {
        "folder": "",
        "new/below": "",
        "file": "Not a directory",
        "file/below": "Not a directory",
        "x" * 300: "File name too long",
    }
    assert {name: reason(check_directory, tmp_path / name) for name in reasons} == reasons


def test_a_relative_path_needs_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    removed = tmp_path / "removed"
    removed.mkdir()
    monkeypatch.chdir(removed)
    removed.rmdir()
    assert reason(check_directory, Path("x")) == "No such file or directory"


def test_a_read_only_file_system_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert reason(check_directory, tmp_path) == "Permission denied"
    flags = os.statvfs(tmp_path).f_flag | os.ST_RDONLY

    class Status:
        f_flag = flags

    monkeypatch.setattr(os, "statvfs", lambda path: Status)
    assert reason(check_directory, tmp_path) == "Read-only file system"
