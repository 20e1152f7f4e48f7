"""Only a missing name or a regular file is replaced; everything else is written through."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from llb.errors import InputError
from llb.local_files.atomic_write import WholeFile, write_whole

MODE = stat.S_IMODE


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def read_in_background(pipe: Path) -> tuple[threading.Thread, list[bytes]]:
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    return reader, read


def test_a_new_file_has_the_mode_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "new", b"data")
    finally:
        os.umask(before)
    assert (tmp_path / "new").read_bytes() == b"data"
    assert MODE((tmp_path / "new").stat().st_mode) == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o604, 0o755])
def test_a_file_that_is_replaced_keeps_mode_and_owner(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"a longer text than the new one")
    path.chmod(mode)
    os.chown(path, 1234, 4321)
    write_whole(path, b"new")
    status = path.stat()
    assert (path.read_bytes(), MODE(status.st_mode)) == (b"new", mode)
    assert (status.st_uid, status.st_gid) == (1234, 4321)
    assert names_in(tmp_path) == ["old"]


def test_a_reader_with_the_old_file_open_sees_the_old_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with path.open("rb") as file:
        write_whole(path, b"new")
        assert file.read() == b"old"


def test_an_aborted_file_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    target = WholeFile(path)
    with target.open() as file:
        file.write(b"half")
    target.abort()
    target.commit()
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["file"]


@pytest.mark.parametrize("length", [234, 255])
def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path: Path, length: int) -> None:
    write_whole(tmp_path / ("n" * length), b"data")
    assert (tmp_path / ("n" * length)).read_bytes() == b"data"


def test_a_name_that_is_too_long_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="File name too long"):
        write_whole(tmp_path / ("n" * 256), b"data")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_and_its_target_is_written(tmp_path: Path, is_there: bool) -> None:
    target = tmp_path / "sub" / "target"
    target.parent.mkdir()
    if is_there:
        target.write_bytes(b"old")
        target.chmod(0o600)
    (tmp_path / "link").symlink_to("again")
    (tmp_path / "again").symlink_to("sub/target")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").readlink() == Path("again")
    assert (tmp_path / "again").readlink() == Path("sub/target")
    assert target.read_bytes() == b"new"
    assert not target.is_symlink()
    assert names_in(target.parent) == ["target"]


def test_a_cycle_of_links_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(InputError, match="Too many levels of symbolic links"):
        write_whole(tmp_path / "one", b"data")


@pytest.mark.parametrize("through_link", [False, True])
def test_a_named_pipe_is_written_to(tmp_path: Path, through_link: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to("pipe")
    reader, read = read_in_background(pipe)
    write_whole(tmp_path / ("link" if through_link else "pipe"), b"data")
    reader.join()
    assert read == [b"data"]
    assert pipe.is_fifo()


def test_a_reader_of_a_pipe_sees_its_end_after_an_abort(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader, read = read_in_background(pipe)
    while reader.is_alive():
        # A reader that has not opened the pipe yet misses the end, so abort again.
        WholeFile(pipe).abort()
        reader.join(0.01)
    assert read == [b""]


def test_a_device_is_written_to(tmp_path: Path) -> None:
    null, full = tmp_path / "null", tmp_path / "full"
    os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.mknod(full, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
    write_whole(null, b"data")
    with pytest.raises(InputError, match=r"cannot write .*full: No space left on device"):
        write_whole(full, b"data")
    assert null.is_char_device()
    assert full.is_char_device()
    assert names_in(tmp_path) == ["full", "null"]


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="Is a directory"):
        write_whole(tmp_path / "folder", b"data")


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
@pytest.mark.parametrize("mode", ["w", "a"])
def test_standard_output_is_written_from_its_current_offset(
    tmp_path: Path, name: str, mode: str
) -> None:
    code = (
        "import sys; from llb.local_files.atomic_write import write_whole;"
        "print('before', flush=True); write_whole(sys.argv[1], b'data\\n'); print('after')"
    )
    (tmp_path / "link").symlink_to("/dev/stdout")
    log = tmp_path / "log"
    log.write_text("old\n")
    with log.open(mode) as output:
        subprocess.run([sys.executable, "-c", code, name], cwd=tmp_path, stdout=output, check=True)
    assert log.read_text() == ("old\n" if mode == "a" else "") + "before\ndata\nafter\n"
    assert names_in(tmp_path) == ["link", "log"]


def test_a_descriptor_that_is_not_open_is_an_error() -> None:
    with pytest.raises(InputError, match="cannot write /dev/fd/999: Bad file descriptor"):
        write_whole("/dev/fd/999", b"data")


def test_a_process_substitution_of_a_shell_is_written_to(tmp_path: Path) -> None:
    code = "import sys; from llb.local_files.atomic_write import write_whole; write_whole(sys.argv[1], b'data')"
    line = f'"$0" -c "$1" >(cat > {tmp_path}/got; echo done >> {tmp_path}/pipe)'
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["bash", "-c", line, sys.executable, code]):
        assert (tmp_path / "pipe").read_text() == "done\n"
    assert (tmp_path / "got").read_bytes() == b"data"
