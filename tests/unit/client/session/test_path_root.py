"""Files are read by their paths, where directories on the way are looked up before."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from llb.client.session.path_root import Root, TreeReader

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"1\r\n2")
    (tmp_path / "a" / "link").symlink_to("b/file")
    (tmp_path / "to-a").symlink_to("a")
    return tmp_path


def test_directories_files_and_links_are_read(tree: Path) -> None:
    with TreeReader(Root(str(tree))) as reader:
        assert sorted(reader.names("")) == ["a", "to-a"]
        assert sorted(reader.names("a")) == ["b", "link"]
        assert reader.link_target("a", "link") == "b/file"
        assert reader.status("a/b", "file").st_size == 4
        assert list(reader.extended_attributes("a/b", "file")) == []
        descriptor = reader.open("a/b/file")
        assert os.read(descriptor, 9) == b"1\r\n2"
        os.close(descriptor)


def test_links_are_not_followed(tree: Path) -> None:
    with TreeReader(Root(str(tree))) as reader:
        for look in (lambda: reader.names("to-a/b"), lambda: reader.open("to-a/b/file")):
            with pytest.raises(NotADirectoryError):
                look()
        with pytest.raises(OSError, match="Too many levels of symbolic links"):
            reader.open("a/link")


def test_a_directory_that_was_replaced_by_a_link_is_noticed(tree: Path) -> None:
    with TreeReader(Root(str(tree))) as reader:
        assert reader.names("a/b") == ["file"]
        assert reader.names("") != []
        (tree / "a").rename(tree / "other")
        (tree / "a").symlink_to("other")
        with pytest.raises(NotADirectoryError):
            reader.names("a/b")


def test_a_file_is_no_root(tree: Path) -> None:
    with pytest.raises(NotADirectoryError):
        Root(str(tree / "a" / "b" / "file"))
