"""Paths follow the rules of Go's ``path`` package."""

from __future__ import annotations

import pytest

from llb.gocompat.path import absolute, clean, join


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("", "."),
        ("/", "/"),
        ("//a", "/a"),
        ("///a", "/a"),
        ("a/../..", ".."),
        ("/../a/./b/", "/a/b"),
    ],
)
def test_paths_are_cleaned_as_go_cleans_them(path: str, cleaned: str) -> None:
    assert clean(path) == cleaned


def test_a_later_part_does_not_start_at_the_root() -> None:
    assert (join("/a", "/b"), join("", ""), join("", "b", ".")) == ("/a/b", "", "b")


@pytest.mark.parametrize(
    ("path", "kept"),
    [("a/", "/w/a/"), ("/", "/"), (".", "/w"), ("./", "/w/"), ("a/.", "/w/a/."), ("/.", "/.")],
)
def test_a_trailing_slash_that_means_a_directory_is_kept(path: str, kept: str) -> None:
    assert absolute("/w", path, keep_slash=True) == kept
