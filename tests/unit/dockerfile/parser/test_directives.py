"""Parser directives."""

from __future__ import annotations

import pytest

from llb.dockerfile import detect_syntax


@pytest.mark.feature("A5")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# syntax=a/b:1\nFROM x", ("a/b:1", "a/b:1", 1)),
        ("#escape=`\n# Syntax = a b c \n", ("a", "a b c", 2)),
        ("#!/bin/sh\n# syntax=a\n", ("a", "a", 2)),
        ("// syntax=a\n", ("a", "a", 1)),
        ('{"syntax": "a"}', ("a", "a", 1)),
        ("FROM x\n# syntax=a\n", None),
        ("\n# syntax=a\n", None),
        ("# plain\n# syntax=a\n", None),
        ("[1]", None),
    ],
)
def test_the_frontend_that_a_file_names_is_found(
    text: str, expected: tuple[str, str, int] | None
) -> None:
    syntax = detect_syntax(text.encode())
    assert (syntax and (syntax.source, syntax.cmdline, syntax.line)) == expected
