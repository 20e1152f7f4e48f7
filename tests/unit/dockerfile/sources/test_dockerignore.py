"""Parsing .dockerignore files."""

from __future__ import annotations

import pytest

from llb.dockerfile import parse_ignore


@pytest.mark.feature("E10")
def test_ignore_files_are_cleaned() -> None:
    data = b"\xef\xbb\xbf# comment\n\n /abs/path \n a/../b/\n!x/./y\n! /z\n  # no comment\n"
    assert parse_ignore(data) == ("abs/path", "b", "!x/y", "!z", "# no comment")
