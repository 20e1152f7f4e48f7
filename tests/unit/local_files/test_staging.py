from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from llb.local_files.atomic_write import WholeFile
from llb.local_files.staging import PREFIX, StagingFolder, make_file, remove_leftovers

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

# Stages a file and a folder, prints a line, and is killed.
OWNER = """
import os, signal, sys
from pathlib import Path
from llb.local_files.staging import StagingFolder, make_file
make_file(Path(sys.argv[1]))
folder = StagingFolder.create(Path(sys.argv[1]))
(folder.path / "below").mkdir(mode=0o500)
print(len(list(Path(sys.argv[1]).iterdir())), flush=True)
signal.pause()
"""


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "3\n"
        # It is alive.
        remove_leftovers(tmp_path)
        assert len(list(tmp_path.iterdir())) == 3
        owner.send_signal(signal.SIGKILL)
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_leftovers_are_removed_by_the_next_result(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}old").mkdir()
    (tmp_path / f"{PREFIX}old" / "file").touch()
    (tmp_path / f"{PREFIX}file").touch()
    os.mkfifo(tmp_path / f"{PREFIX}pipe")
    (tmp_path / f"{PREFIX}link").symlink_to("kept")
    (tmp_path / "kept").touch()
    file = WholeFile(tmp_path / "result")
    file.open().close()
    names = {path.name for path in tmp_path.iterdir()}
    # A link is never a leftover.
    assert {name for name in names if "llb" not in name} == {"kept"}
    assert len(names) == 3
    file.commit()
    assert {path.name for path in tmp_path.iterdir()} == {"kept", "result", f"{PREFIX}link"}


def test_a_file_is_held_until_it_has_its_name(tmp_path: Path) -> None:
    file = WholeFile(tmp_path / "result")
    with file.open() as opened:
        opened.write(b"content")
    remove_leftovers(tmp_path)
    file.commit()
    assert (tmp_path / "result").read_bytes() == b"content"


def test_a_name_that_another_process_took_for_a_leftover_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock
    calls = []

    def flock(descriptor: int, operation: int) -> None:
        calls.append(descriptor)
        if len(calls) < 3:
            (taken,) = tmp_path.iterdir()
            taken.unlink()
        if len(calls) == 1:
            raise BlockingIOError
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    path, descriptor = make_file(tmp_path)
    os.close(descriptor)
    assert list(tmp_path.iterdir()) == [path]
    assert len(calls) == 3


def test_a_file_system_without_locks_keeps_leftovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(95, "Operation not supported")

    (tmp_path / f"{PREFIX}old").touch()
    monkeypatch.setattr(fcntl, "flock", flock)
    folder = StagingFolder.create(tmp_path)
    assert folder.path.exists()
    folder.remove()
    assert [path.name for path in tmp_path.iterdir()] == [f"{PREFIX}old"]
