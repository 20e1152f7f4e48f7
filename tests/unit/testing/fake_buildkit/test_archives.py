"""Archives are unpacked to trees in memory."""

from __future__ import annotations

import io
import stat
import tarfile

from llb.testing.fake_buildkit.archives import unpack
from llb.testing.fake_buildkit.trees import DIRECTORY, Node, Tree

EMPTY = Tree({"/": DIRECTORY})


def archive(*entries: tuple[str, bytes, bytes]) -> bytes:
    """Build an archive of names, types and contents."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, kind, content in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.mtime, entry.uid = kind, len(content), 2, 5
            entry.linkname = "target" if kind == tarfile.SYMTYPE else ""
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def test_files_directories_and_links_are_unpacked() -> None:
    data = archive(
        ("d", tarfile.DIRTYPE, b""),
        ("d/a", tarfile.REGTYPE, b"1"),
        ("l", tarfile.SYMTYPE, b""),
        ("fifo", tarfile.FIFOTYPE, b""),
    )
    tree = unpack(EMPTY, data, "/")
    assert tree is not None
    assert tree.nodes == {
        "/": DIRECTORY,
        "/d": Node(stat.S_IFDIR | 0o644, uid=5, modified=2 * 10**9),
        "/d/a": Node(stat.S_IFREG | 0o644, b"1", uid=5, modified=2 * 10**9),
        "/l": Node(stat.S_IFLNK | 0o644, uid=5, modified=2 * 10**9, target="target"),
    }


def test_the_destination_is_created() -> None:
    tree = unpack(EMPTY, archive(("a", tarfile.REGTYPE, b"1")), "/x")
    assert tree is not None
    assert (tree.nodes["/x"], tree.nodes["/x/a"].data) == (DIRECTORY, b"1")


def test_directories_without_an_entry_are_created() -> None:
    base = EMPTY.with_nodes({"/x": Node(stat.S_IFDIR | 0o700)})
    tree = unpack(base, archive(("x/y/a", tarfile.REGTYPE, b"1")), "/")
    assert tree is not None
    assert {path: node.mode for path, node in tree.nodes.items()} == {
        "/": DIRECTORY.mode,
        "/x": stat.S_IFDIR | 0o700,
        "/x/y": DIRECTORY.mode,
        "/x/y/a": stat.S_IFREG | 0o644,
    }


def test_other_files_are_not_unpacked() -> None:
    assert unpack(EMPTY, b"text", "/") is None
    assert unpack(EMPTY, b"", "/") is None
