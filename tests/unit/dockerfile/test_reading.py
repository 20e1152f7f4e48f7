"""Words, variables, here-documents, directives and ignore files of a Dockerfile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend.dockerfile import DockerfileError, detect_syntax, parse, parse_ignore
from frontend.dockerfile.expand import Expander, ExpansionError
from frontend.dockerfile.words import split_flags, split_quoted
from tests.timing import cpu_seconds

ENV = {"name": "value", "empty": "", "path": "/a/b/c.tar.gz", "é": "x"}


@pytest.mark.feature("B1")
@pytest.mark.parametrize(
    ("word", "expanded"),
    [
        ("$name", "value"),
        ("${name}s $name", "values value"),
        ("$é", "x"),
        ("$none", ""),
        ("$", "$"),
        ("a$", "a$"),
        ("$1x", "x"),
        ("\\$name", "$name"),
        ("'$name'", "$name"),
        ('"$name"', "value"),
        ('"\\$name \\" \\a"', '$name " \\a'),
        ("${none:-a b}", "a b"),
        ("${empty:-x}${empty-y}", "x"),
        ("${name:+set}${none:+x}", "set"),
        ("${none:-${name}}", "value"),
        ("${path##*/}", "c.tar.gz"),
        ("${path#*/}", "a/b/c.tar.gz"),
        ("${path%%.*}", "/a/b/c"),
        ("${path%.*}", "/a/b/c.tar"),
        ("${path/b/x}", "/a/x/c.tar.gz"),
        ("${path//\\//-}", "-a-b-c.tar.gz"),
    ],
)
def test_variables_are_replaced(word: str, expanded: str) -> None:
    assert Expander().word(word, ENV) == expanded


@pytest.mark.parametrize(
    "word", ["${", "${name", "${}", "${:x}", "${name;x}", "${none:?no}", "'", '"', "${name:#x}"]
)
def test_words_that_cannot_be_expanded_are_refused(word: str) -> None:
    with pytest.raises(ExpansionError):
        Expander().word(word, ENV)


def test_nesting_may_be_deep() -> None:
    assert Expander().word("${a:-" * 10_000 + "x" + "}" * 10_000, ENV) == "x"
    with pytest.raises(ExpansionError, match="missing '}'"):
        Expander().word("${a:-" * 10_000, ENV)


def test_words_are_split_after_expansion_outside_of_quotes() -> None:
    env = {"two": "a b"}
    assert Expander().words("x $two \"$two\" 'c d' e\\ f", env) == (
        "x",
        "a",
        "b",
        "a b",
        "c d",
        "e f",
    )


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


@pytest.mark.feature("A5")
@pytest.mark.parametrize(
    ("text", "found"),
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
    text: str, found: tuple[str, str, int] | None
) -> None:
    syntax = detect_syntax(text.encode())
    assert (syntax and (syntax.source, syntax.cmdline, syntax.line)) == found


@pytest.mark.feature("E10")
def test_ignore_files_are_cleaned() -> None:
    data = b"\xef\xbb\xbf# comment\n\n /abs/path \n a/../b/\n!x/./y\n! /z\n  # no comment\n"
    assert parse_ignore(data) == ("abs/path", "b", "!x/y", "!z", "# no comment")


def test_heredocs_are_taken_in_order() -> None:
    text = b"RUN <<A && cat <<-'B'\none\nA\n\ttwo\n\tB\n"
    (node,) = parse(text, "Dockerfile").nodes
    assert [(each.name, each.expand, each.chomped) for each in node.heredocs] == [
        ("A", True, "one\n"),
        ("B", False, "two\n"),
    ]
    assert node.lines == (1, 5)


def test_a_long_continuation_takes_linear_time() -> None:
    def read(lines: int) -> None:
        (_, node) = parse(b"FROM x\nRUN a" + b" \\\n b" * lines, "Dockerfile").nodes
        assert node.lines == (2, lines + 2)

    # Sixteen times as long, and not sixteen times that.
    assert cpu_seconds(lambda: read(200_000), runs=1) < 64 * cpu_seconds(lambda: read(12_500))


@given(st.binary(max_size=300))
def test_any_bytes_are_instructions_or_an_error(data: bytes) -> None:
    try:
        parse(data, "Dockerfile")
    except DockerfileError as error:
        assert error.span is not None  # noqa: PT017 - either outcome is right
