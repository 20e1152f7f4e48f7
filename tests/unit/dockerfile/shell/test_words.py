"""Splitting lines into words and flags."""

from __future__ import annotations

import pytest

from llb.dockerfile.shell.words import split_flags, split_quoted


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a=1 b='x y' c=\"p q\"", ("a=1", "b='x y'", 'c="p q"')),
        ("a\\ b c", ("a\\ b", "c")),
        ("'' \"\"", ("''", '""')),
        ("a \\", ("a",)),
        ("  ", ()),
    ],
)
def test_quotes_and_escapes_keep_words_together(line: str, words: tuple[str, ...]) -> None:
    assert split_quoted(line, "\\") == words


def test_flags_come_first_and_end_with_two_dashes() -> None:
    assert split_flags('--a=1 --b="x y" c --d', "\\") == (("--a=1", "--b=x y"), "c --d")
    assert split_flags("--a -- --b", "\\") == (("--a",), " --b")
