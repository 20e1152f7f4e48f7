"""Uploads for several nodes: a stream is read once, and every node reads the copy."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NoReturn

import pytest

from llb.client import Upload
from llb.client.nodes.uploads import SharedUploads
from llb.errors import InputError


class Broken(io.RawIOBase):
    """A stream that cannot be read."""

    def readable(self) -> bool:
        return True

    def readinto(self, _: object) -> NoReturn:
        raise OSError("the disk is gone")


def test_a_stream_becomes_a_file_with_its_url(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    given = [Upload(io.BytesIO(b"stream")), Upload(b"bytes"), Upload(file)]
    shared = SharedUploads(given)
    stored, *others = shared.for_node()
    assert stored.url == given[0].url
    assert isinstance(stored.content, Path)
    assert stored.content.read_bytes() == b"stream"
    assert others == given[1:]
    shared.close()
    assert not stored.content.exists()


def test_a_stream_that_cannot_be_read_is_an_error() -> None:
    stream = io.BufferedReader(Broken())
    with pytest.raises(InputError, match="cannot read the upload: the disk is gone"):
        SharedUploads([Upload(stream)])
