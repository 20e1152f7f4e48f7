from __future__ import annotations

import os
from pathlib import Path

import pytest

from llb.errors import InputError
from llb.local_files import paths


def test_files_and_directories_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("nothing")
    names = ("", "file", "link", "dangling", "missing", "file/below")
    checks = (paths.exists, paths.is_dir, paths.is_file)
    assert {name: [check(tmp_path / name) for check in checks] for name in names} == {
        "": [True, True, False],
        "file": [True, False, True],
        "link": [True, False, True],
        "dangling": [False, False, False],
        "missing": [False, False, False],
        "file/below": [False, False, False],
    }


@pytest.mark.parametrize(
    ("name", "reason"),
    [("loop", "Too many levels of symbolic links"), ("x" * 300, "File name too long")],
)
def test_a_path_that_cannot_be_followed_is_an_error(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for check in (paths.exists, paths.is_dir, paths.is_file):
        with pytest.raises(InputError) as caught:
            check(tmp_path / name)
        assert caught.value.message == f"cannot access {tmp_path / name}: {reason}"


def test_links_are_resolved(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    assert paths.resolve(tmp_path / "link" / "a") == (tmp_path / "folder" / "a").resolve()


def test_a_removed_working_directory_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path / "folder")
    assert paths.working_directory() == (tmp_path / "folder").resolve()
    (tmp_path / "folder").rmdir()
    with pytest.raises(InputError, match="cannot find the working directory: No such file"):
        paths.working_directory()


def test_a_user_without_a_home_directory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert (paths.home(), paths.expand_user("~/a")) == (Path("/somewhere"), Path("/somewhere/a"))
    with pytest.raises(InputError, match="cannot find the home directory in ~no-such-user/a"):
        paths.expand_user("~no-such-user/a")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 3)
    with pytest.raises(InputError, match="cannot find the home directory of this user"):
        paths.home()
