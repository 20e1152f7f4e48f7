"""Files in memory: which are sent, and how."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from llb import Directory, File, Symlink
from llb.client.image_build.memory_tree import text_of, to_archive, to_tree, without_ignored
from llb.errors import InvalidValueError, LLBError

if TYPE_CHECKING:
    from llb.sources.inline_files import Content


def test_paths_are_relative_and_have_parents() -> None:
    assert to_tree({"/a//b": "1", "c": b"2"}, "context") == {
        "a": Directory(),
        "a/b": "1",
        "c": b"2",
    }


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ([], "invalid context: expected a mapping of paths to contents"),
        ({1: ""}, "invalid path 1 in context: expected a string"),
        (
            {"a": None},
            "invalid content of a in context: expected bytes, str, File, Directory or Symlink",
        ),
        (
            {"../a": ""},
            "invalid path '../a' in context: expected a path below the root of the tree",
        ),
        ({"a": "", "/a": ""}, "duplicate path /a in context"),
        ({"a": "", "a/b": ""}, "path /a in context is a file, but /a/b is below it"),
    ],
)
def test_an_invalid_tree_is_refused(tree: object, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        to_tree(tree, "context")
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("ignore", "kept"),
    [
        ({}, ["a", "a/b.log", "a/c", "Dockerfile", "d.log"]),
        ({".dockerignore": ""}, ["a", "a/b.log", "a/c", "Dockerfile", "d.log", ".dockerignore"]),
        ({".dockerignore": "*.log\n"}, ["a", "a/b.log", "a/c", "Dockerfile", ".dockerignore"]),
        ({".dockerignore": b"**/*.log"}, ["a", "a/c", "Dockerfile", ".dockerignore"]),
        ({".dockerignore": File("a")}, ["Dockerfile", "d.log", ".dockerignore"]),
        ({".dockerignore": "*\n!a/c"}, ["a/c", "a"]),
        (
            {".dockerignore": "*", "Dockerfile.dockerignore": "a"},
            ["Dockerfile", "d.log", ".dockerignore", "Dockerfile.dockerignore"],
        ),
    ],
)
def test_an_ignore_file_excludes_files(ignore: dict[str, Content], kept: list[str]) -> None:
    tree = to_tree({"a/b.log": "1", "a/c": "2", "Dockerfile": "", "d.log": "3"} | ignore, "context")
    assert sorted(without_ignored(tree, "Dockerfile")) == sorted(kept)


def test_an_invalid_pattern_is_refused() -> None:
    with pytest.raises(LLBError, match=r"^\.dockerignore:1: "):
        without_ignored({".dockerignore": "["}, "Dockerfile")


def test_the_text_of_anything_but_a_file_is_empty() -> None:
    tree: dict[str, Content] = {"a": "1", "b": b"2", "c": File("3"), "d": Directory()}
    assert [text_of(tree, path) for path in "abcde"] == [b"1", b"2", b"3", b"", b""]


def members(tree: dict[str, Any]) -> dict[str, tuple[bytes, int, bytes, int, int, str]]:
    with tarfile.open(fileobj=io.BytesIO(to_archive(to_tree(tree, "context")))) as archive:
        return {
            member.name: (
                member.type,
                member.mode,
                (archive.extractfile(member) or io.BytesIO()).read() if member.isfile() else b"",
                member.uid,
                member.gid,
                member.linkname,
            )
            for member in archive.getmembers()
        }


def test_an_archive_has_files_directories_and_links() -> None:
    tree = {
        "text": "é",
        "data": b"\0",
        "folder/tool": File(b"1", mode=0o755, owner="7"),
        "folder": Directory(mode=0o700, owner="7:8"),
        "link": Symlink("folder/tool"),
    }
    assert members(tree) == {
        "data": (tarfile.REGTYPE, 0o644, b"\0", 0, 0, ""),
        "folder": (tarfile.DIRTYPE, 0o700, b"", 7, 8, ""),
        "folder/tool": (tarfile.REGTYPE, 0o755, b"1", 7, 7, ""),
        "link": (tarfile.SYMTYPE, 0o777, b"", 0, 0, "folder/tool"),
        "text": (tarfile.REGTYPE, 0o644, "é".encode(), 0, 0, ""),
    }


def test_the_same_tree_is_the_same_archive() -> None:
    assert to_archive({"a": "1", "b": "2"}) == to_archive({"b": "2", "a": "1"})


@pytest.mark.parametrize("owner", ["root", "0:root", "0:", ""])
def test_an_owner_by_name_is_refused(owner: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        to_archive({"a": File("", owner=owner)})
    assert caught.value.message == (
        f"invalid owner {owner!r} of a: expected numbers such as 1000:1000"
    )
