"""Contexts of bake files that are in a repository."""

from __future__ import annotations

import pytest

from llb import bake
from llb.bake.remote import with_remote_contexts

URL = "https://github.com/me/app.git#main"


@pytest.mark.parametrize(
    ("context", "location"),
    [
        (".", URL),
        ("sub/dir/", "https://github.com/me/app.git#main:sub/dir"),
        ("cwd://here", "cwd://here"),
        ("https://example.com/x.git", "https://example.com/x.git"),
    ],
)
def test_a_context_is_a_directory_of_the_repository(context: str, location: str) -> None:
    target = bake.Target("a", context=context, contexts={"c": context, "d": "target:x"})
    selection = with_remote_contexts(bake.Selection({"a": target}), URL)
    changed = selection.targets["a"]
    assert (changed.context, changed.contexts) == (location, {"c": location, "d": "target:x"})


def test_a_subdirectory_of_the_url_is_kept() -> None:
    url = "https://github.com/me/app.git#main:base"
    selection = with_remote_contexts(bake.Selection({"a": bake.Target("a", context="x")}), url)
    assert selection.targets["a"].context == "https://github.com/me/app.git#main:base/x"
