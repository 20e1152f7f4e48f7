"""Remote."""

from __future__ import annotations

import pytest

from llb.dockerfile.sources.remote import filename_of


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
def test_a_file_of_the_web_is_named_by_the_path(url: str, name: str) -> None:
    assert filename_of(url) == name
