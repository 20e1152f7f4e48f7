"""A walk yields what is chosen, in the order of the transfer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb.client.session.providers.walk import Filter, walk
from llb.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

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


def paths(root: str, **chosen: tuple[str, ...]) -> list[str]:
    return [entry.path for entry in walk(root, Filter(**chosen))]


@pytest.mark.feature("N1")
def test_directories_come_before_what_is_in_them(tree: str) -> None:
    found = paths(tree)
    assert sorted(found) == sorted(ALL)
    assert found == sorted(found, key=lambda path: path.split("/"))


@pytest.mark.feature("N2")
@pytest.mark.parametrize(
    ("chosen", "expected"),
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
        ({"follow": ("to-*",)}, ["docs", "docs/README.md", "docs/deep", "docs/deep/x", "to-docs"]),
    ],
)
def test_patterns_choose(
    tree: str, chosen: dict[str, tuple[str, ...]], expected: list[str]
) -> None:
    assert sorted(paths(tree, **chosen)) == sorted(expected)


@pytest.mark.feature("N2")
def test_links_that_lead_to_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    assert paths(str(tmp_path), follow=("one/x",)) == ["one", "two"]


def test_a_root_that_is_gone_is_empty(tmp_path: Path) -> None:
    assert paths(str(tmp_path / "gone")) == []


def test_a_root_that_is_no_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot read the directory"):
        paths(str(tmp_path / "file"))
