"""A walk yields the selected files in transfer order."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from llb.client.session.root import Root, TreeReader
from llb.client.session.walk import Filter, walk

ALL = [
    *("a", "a-b", "a/b", "a/b/c.txt", "a/b/d.md", "a/link", "b.txt", "docs", "docs/README.md"),
    *("docs/deep", "docs/deep/x", "empty", "to-docs"),
]


@pytest.fixture
def tree(tmp_path: Path) -> str:
    for name in ("a/b/c.txt", "a/b/d.md", "a-b", "b.txt", "docs/README.md", "docs/deep/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "to-docs").symlink_to("docs")
    (tmp_path / "a" / "link").symlink_to("../docs/deep")
    return str(tmp_path)


def paths(root: str, **patterns: tuple[str, ...]) -> list[str]:
    with TreeReader(Root(root)) as reader:
        return [entry.path for entry in walk(reader, Filter(**patterns))]


@pytest.mark.feature("N1")
def test_directories_come_before_their_entries(tree: str) -> None:
    walked = paths(tree)
    assert sorted(walked) == sorted(ALL)
    assert walked == sorted(walked, key=lambda path: path.split("/"))


@pytest.mark.feature("N2")
@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ({"include": ("b.txt",)}, ["b.txt"]),
        ({"include": ("*.txt",)}, ["b.txt"]),
        ({"include": ("**/*.txt",)}, ["a", "a/b", "a/b/c.txt", "b.txt"]),
        ({"include": ("a/b",)}, ["a", "a/b", "a/b/c.txt", "a/b/d.md"]),
        (
            {"include": ("docs/deep/x", "a/b/c.txt")},
            ["a", "a/b", "a/b/c.txt", "docs", "docs/deep", "docs/deep/x"],
        ),
        (
            {"include": ("**", "!a")},
            [
                "a-b",
                "b.txt",
                "docs",
                "docs/README.md",
                "docs/deep",
                "docs/deep/x",
                "empty",
                "to-docs",
            ],
        ),
        ({"exclude": ("a", "docs", "empty")}, ["a-b", "b.txt", "to-docs"]),
        ({"exclude": ("*", "!docs/README.md")}, ["docs", "docs/README.md"]),
        ({"exclude": ("*", "!**/*.txt")}, ["a", "a/b", "a/b/c.txt", "b.txt"]),
        (
            {"include": ("a", "docs"), "exclude": ("**/*.md",)},
            ["a", "a/b", "a/b/c.txt", "a/link", "docs", "docs/deep", "docs/deep/x"],
        ),
        (
            {"follow": ("to-docs",)},
            ["docs", "docs/README.md", "docs/deep", "docs/deep/x", "to-docs"],
        ),
        ({"follow": ("to-docs/README.md",)}, ["docs", "docs/README.md", "to-docs"]),
        ({"follow": ("a/link",)}, ["a", "a/link", "docs", "docs/deep", "docs/deep/x"]),
        ({"follow": ("b.txt", "none")}, ["b.txt"]),
        ({"follow": (".",)}, ALL),
        ({"follow": ("a\0b", "a\0/b", "b.txt")}, ["b.txt"]),
        ({"follow": ("to-*",)}, ["docs", "docs/README.md", "docs/deep", "docs/deep/x", "to-docs"]),
    ],
)
def test_patterns_select_files(
    tree: str, patterns: dict[str, tuple[str, ...]], expected: list[str]
) -> None:
    assert sorted(paths(tree, **patterns)) == sorted(expected)


@pytest.mark.feature("N2")
def test_a_cycle_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    assert paths(str(tmp_path), follow=("one/x",)) == ["one", "two"]


def test_transfers_of_one_root_at_the_same_time_see_all_files(tree: str) -> None:
    root = Root(tree)
    # A listing that has begun moves the position in the directory that it reads.
    with TreeReader(root) as one, TreeReader(root) as other, os.scandir(one.directory("")) as names:
        assert next(names).name in ALL
        assert sorted(entry.path for entry in walk(other, Filter())) == sorted(ALL)


def test_a_deleted_root_is_empty(tmp_path: Path) -> None:
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    with TreeReader(Root(str(tmp_path / "tree"))) as reader:
        shutil.rmtree(tmp_path / "tree")
        assert list(walk(reader, Filter())) == []


def test_a_replaced_root_is_read_as_it_was_opened(tree: str, tmp_path: Path) -> None:
    secret = folder_with_a_key(tmp_path)
    with TreeReader(Root(tree)) as reader:
        replace_by_link(Path(tree), secret)
        assert sorted(entry.path for entry in walk(reader, Filter())) == sorted(ALL)


def test_a_directory_that_becomes_a_link_is_not_followed(tree: str, tmp_path: Path) -> None:
    secret = folder_with_a_key(tmp_path)
    walked = []
    with TreeReader(Root(tree)) as reader:
        for entry in walk(reader, Filter(include=("docs",))):
            walked.append(entry.path)
            if entry.path == "docs":
                replace_by_link(Path(tree) / "docs", secret)
    assert walked == ["docs"]


def test_a_tree_deeper_than_the_limit_of_open_files_is_walked(tmp_path: Path) -> None:
    depth = 1200
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=folder)
        inner = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    with TreeReader(Root(str(tmp_path))) as reader:
        before = open_files()
        *_, last = walk(reader, Filter())
        assert open_files() <= before + 1
    assert last.path == "/".join("d" * depth)
    # pytest's own cleanup recurses once per level.
    subprocess.run(["rm", "-r", tmp_path / "d"], check=True)


def folder_with_a_key(tmp_path: Path) -> Path:
    folder = tmp_path.with_name(f"{tmp_path.name}-secret")
    folder.mkdir()
    (folder / "key").write_text("")
    return folder


def replace_by_link(folder: Path, target: Path) -> None:
    folder.rename(folder.with_name(f"{folder.name}-moved"))
    folder.symlink_to(target)


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
