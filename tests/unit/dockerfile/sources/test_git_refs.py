"""Parsing Git URLs."""

from __future__ import annotations

import pytest

from llb.dockerfile.sources.git_refs import GitRef, parse_git_ref


def test_the_query_of_a_repository_sets_all_options() -> None:
    query = "tag=v1&subdir=/a/&commit=abc1234&keep-git-dir&submodules=0&mtime=commit"
    assert parse_git_ref(f"https://h.example/o/r.git?{query}&fetch-by-commit=T") == GitRef(
        url="https://h.example/o/r.git",
        scheme="https",
        host="h.example",
        path="/o/r.git",
        ref="refs/tags/v1",
        subdir="/a/",
        checksum="abc1234",
        keep_git_dir=True,
        submodules=False,
        mtime="commit",
        fetch_by_commit=True,
    )


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        (
            "git@h.example:o/r#main:a/../b",
            GitRef("git@h.example:o/r", "ssh", "h.example", "o/r", ref="main", subdir="b"),
        ),
        (
            "github.com/o/r#v1",
            GitRef("https://github.com/o/r", "https", "github.com", "/o/r", "v1", is_bare=True),
        ),
        ("https://h.example/o/r", None),
        ("./git@h.example:o/r", None),
        ("ftp://h.example/r.git", None),
        ("git@h.example:r?%zz", None),
        ("dir/file", None),
    ],
)
def test_git_urls_are_distinguished_from_other_sources(text: str, ref: GitRef | None) -> None:
    assert parse_git_ref(text) == ref
