from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from llb.local_files.merging import merge, remove_others
from llb.local_files.trees import remove_tree

if TYPE_CHECKING:
    from pathlib import Path

DEPTH = 1200


def listing(root: Path) -> dict[str, str]:
    """The content of each file, the target of each link, and the mode of each directory."""
    described = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        if path.is_symlink():
            text = f"-> {path.readlink()}"
        elif path.is_dir():
            text = f"{stat.S_IMODE(status.st_mode):o} {status.st_mtime_ns}"
        else:
            text = path.read_text() if path.is_file() else "pipe"
        described[str(path.relative_to(root))] = text
    return described


def write(root: Path, *names: str) -> None:
    """Write files with their names as content; a name that ends with a slash is a directory."""
    for name in names:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)


def deep(root: Path) -> Path:
    """Create a directory at a depth beyond the limit of recursion."""
    path = root
    for _ in range(DEPTH):
        path /= "d"
        path.mkdir()
    (path / "file").write_text("deep")
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def test_directories_are_merged_and_files_replaced(source: Path, target: Path) -> None:
    write(source, "a/new", "a/both", "file", "folder/x", "link")
    write(target, "a/old", "a/both", "file/below", "folder", "link/below")
    (target / "a" / "both").write_text("old")
    (source / "link").unlink()
    (source / "link").symlink_to("anywhere")
    os.mkfifo(source / "pipe")
    (source / "a").chmod(0o750)
    os.utime(source / "a", ns=(5, 7))
    os.utime(source / "folder", ns=(5, 9))
    merge(str(source), str(target))
    assert listing(target) == {
        "a": "750 7",
        "a/both": "a/both",
        "a/new": "a/new",
        "a/old": "a/old",
        "file": "file",
        "folder": "755 9",
        "folder/x": "folder/x",
        "link": "-> anywhere",
        "pipe": "pipe",
    }
    assert list(source.iterdir()) == [source / "a"]


def test_a_link_to_a_directory_is_replaced_and_not_followed(source: Path, target: Path) -> None:
    write(source, "a/new")
    write(target, "other/")
    (target / "a").symlink_to("other")
    merge(str(source), str(target))
    assert set(listing(target)) == {"a", "a/new", "other"}


def test_other_files_are_removed_except_incomplete_results(source: Path, target: Path) -> None:
    write(source, "a/b", "kept")
    write(target, "a/b", "a/c", "kept", "other/x", ".llb-partial-1/x")
    remove_others(str(source), str(target))
    assert set(listing(target)) == {".llb-partial-1", ".llb-partial-1/x", "a", "a/b", "kept"}


def test_trees_may_be_deeper_than_the_limit_of_recursion(source: Path, target: Path) -> None:
    deep(source)
    old = deep(target)
    (old / "old").touch()
    remove_others(str(source), str(target))
    assert [path.name for path in old.iterdir()] == ["file"]
    (old / "file").unlink()
    merge(str(source), str(target))
    assert (old / "file").read_text() == "deep"
    for path in (source, target):
        remove_tree(str(path))
        assert not path.exists()


CHILD = """
import os, sys
from llb.local_files.merging import merge
from llb.local_files.trees import remove_tree
source, target = sys.argv[1:]
merge(source, target)
remove_tree(source)
"""


def test_directories_that_may_not_be_written_are_merged_and_removed(
    source: Path, target: Path
) -> None:
    write(source, "new/ro/f", "both/ro/f", "empty/")
    write(target, "both/ro/old")
    for folder in ("new/ro", "both/ro", "empty"):
        (source / folder).chmod(0o555)
    (target / "both" / "ro").chmod(0o555)
    without = "-dac_override,-dac_read_search"
    prefix = [f"--bounding-set={without}", f"--inh-caps={without}"]
    # As an ordinary user; root may write everywhere.
    command = ["setpriv", *prefix] if os.geteuid() == 0 else []
    subprocess.run([*command, sys.executable, "-c", CHILD, str(source), str(target)], check=True)
    modes = {name: text.split()[0] for name, text in listing(target).items() if " " in text}
    assert modes == {
        "both": "755",
        "both/ro": "555",
        "empty": "555",
        "new": "755",
        "new/ro": "555",
    }
    assert {path.name for path in (target / "both" / "ro").iterdir()} == {"f", "old"}
    assert not source.exists()


def test_files_are_copied_to_a_mount_below_the_destination(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(source, "mount/file", "mount/new/below", "top")
    write(target, "mount/file", "mount/kept")
    (source / "mount" / "link").symlink_to("file")
    os.mkfifo(source / "mount" / "pipe")
    (source / "mount" / "file").chmod(0o600)
    os.utime(source / "mount" / "file", ns=(5, 7))
    real = os.replace

    def replace(old: str, new: str) -> None:
        if old.startswith(str(source / "mount")):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), old)
        real(old, new)

    monkeypatch.setattr(os, "replace", replace)
    merge(str(source), str(target))
    assert set(listing(target)) == {
        *("mount", "mount/file", "mount/kept", "mount/link", "mount/new", "mount/new/below"),
        *("mount/pipe", "top"),
    }
    status = (target / "mount" / "file").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (0o600, 7)


def test_another_error_of_a_move_is_raised_and_modes_are_restored(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(source, "both/file", "closed/file")
    write(target, "both/")
    for folder in (source / "closed", target / "both"):
        folder.chmod(0o555)

    def replace(old: str, new: str) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), old)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(PermissionError):
        merge(str(source), str(target))
    assert stat.S_IMODE((source / "closed").stat().st_mode) == 0o555
