"""COPY and ADD: selections, destinations, and the actions that they become."""

from __future__ import annotations

import pytest

from llb import Local
from llb.dockerfile_rules.copy import (
    Destination,
    Selection,
    copies_paths,
    destination_path,
    filename_of,
    has_wildcard,
    heredoc_file,
    parents_source,
    select_parents,
)
from llb.ops.nodes import CopyAction


@pytest.mark.parametrize(
    ("source", "selection"),
    [
        ("a/b", Selection("/", ("a/b",), ("/a/b",))),
        ("/a/b", Selection("/", ("a/b",), ("/a/b",))),
        ("a/./b/c", Selection("a", ("b/c",), ("/a/b/c",))),
        ("../a/./b", Selection("../a", ("b",), ("/a/b",))),
        ("a/./b*", Selection("a", ("b*",))),
        ("a?/./b", Selection("a?", ("b",))),
        (r"a\*", Selection("/", (r"a\*",), (r"/a\*",))),
    ],
)
def test_parents_begin_at_the_pivot(source: str, selection: Selection) -> None:
    assert select_parents(source) == selection


@pytest.mark.parametrize("source", ["/a/b", "/a/./b/c"])
def test_a_source_with_parents_is_written_as_it_was_selected(source: str) -> None:
    selection = select_parents(source)
    assert parents_source(selection.path, *selection.include) == source


@pytest.mark.parametrize("path", ["*", "a?", "[ab]", r"\\*", "a\n*"])
def test_a_path_has_a_wildcard(path: str) -> None:
    assert has_wildcard(path)


@pytest.mark.parametrize("path", ["", "a", r"\*", r"a\[b", "]"])
def test_an_escaped_wildcard_is_a_character(path: str) -> None:
    assert not has_wildcard(path)


@pytest.mark.parametrize(
    ("dest", "path"), [("", "/w/"), (".", "/w/"), ("a", "/w/a"), ("a/", "/w/a/"), ("/a/.", "/a/.")]
)
def test_a_destination_keeps_its_trailing_slash(dest: str, path: str) -> None:
    assert destination_path("/w", dest) == path


def test_a_mode_rules_out_a_layer_of_its_own() -> None:
    assert Destination("/", link=True).has_own_layer
    assert not Destination("/", link=True, mode=0).has_own_layer
    assert not Destination("/").has_own_layer


def test_only_paths_are_copied_with_links_and_wildcards() -> None:
    tree = Local("context")
    paths = Destination("/d").copy_paths(tree, Selection("a"), unpack=True)
    assert paths.src == "/a"
    assert paths.attempt_unpack
    assert copies_paths(paths)
    file = Destination("/d", exclude=("x",)).copy_file(heredoc_file("f", ""), "f")
    assert (file.src, file.exclude_patterns) == ("/f", ("x",))
    assert not copies_paths(file)
    assert Destination("/d").copy_repository(tree).src == "/"
    assert not copies_paths(CopyAction(None, "/", "/", follow_symlinks=True))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://h.example/a/b.txt?c/d#e/f", "b.txt"),
        ("https://h.example/a%2Fb/", "b"),
        ("https://h.example", "__unnamed__"),
        ("https://h.example/.", "__unnamed__"),
        ("https://h.example/%zz", "__unnamed__"),
    ],
)
def test_a_download_is_named_by_the_path_of_its_url(url: str, name: str) -> None:
    assert filename_of(url) == name
