"""Pipes, devices and open descriptors are read once, to their ends; other paths are left alone."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from llb.errors import InputError
from llb.local_files.streams import read_stream

if TYPE_CHECKING:
    from pathlib import Path


def test_a_named_pipe_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"text",))
    writer.start()
    assert read_stream(pipe) == b"text"
    writer.join()


def test_an_open_descriptor_is_read_from_where_it_is(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"read|unread")
    with file.open("rb") as opened:
        os.read(opened.fileno(), len(b"read|"))
        assert read_stream(f"/dev/fd/{opened.fileno()}") == b"unread"
        assert not opened.closed


def test_a_link_to_a_descriptor_is_followed(tmp_path: Path) -> None:
    here, there = os.pipe()
    (tmp_path / "link").symlink_to(f"/proc/self/fd/{here}")
    os.write(there, b"text")
    os.close(there)
    assert read_stream(tmp_path / "link") == b"text"
    os.close(here)


def test_a_device_is_read_up_to_a_limit() -> None:
    assert read_stream("/dev/null") == b""
    assert read_stream("/dev/zero", 10) == b"\0" * 11


def test_files_and_directories_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = os.open(tmp_path, os.O_RDONLY)
    for path in (tmp_path / "file", tmp_path, tmp_path / "none", tmp_path / "file" / "x"):
        assert read_stream(path) is None
    assert read_stream(f"/dev/fd/{folder}") is None
    os.close(folder)
    assert read_stream(f"/dev/fd/{folder}") is None


def test_a_path_that_cannot_be_followed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_stream(tmp_path / ("x" * 300))
    assert caught.value.message == f"cannot read {tmp_path / ('x' * 300)}: File name too long"
