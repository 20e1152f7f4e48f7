"""Parsing words into trees."""

from __future__ import annotations

import pytest

from llb.dockerfile.shell.parse_word import parse_word
from llb.dockerfile.shell.word_tree import (
    DoubleQuoted,
    Escape,
    Heredoc,
    Part,
    PlainEscape,
    SingleQuoted,
    Substitution,
    Variable,
    Word,
)


def parse(text: str, *, quotes: bool = True) -> Word:
    return parse_word(text, "\\", quotes=quotes)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain", ["plain"]),
        ("a$b c", ["a", Variable("b", "$b"), " c"]),
        ("${b}", [Variable("b", "${b}")]),
        ("$", ["$"]),
        ("'$a'", [SingleQuoted("$a")]),
        ('"a\'$b"', [DoubleQuoted(["a'", Variable("b", "$b")])]),
        ("a\\ b\\", ["a", Escape("\\", " "), "b", Escape("\\", "")]),
        ('"\\$\\a"', [DoubleQuoted([Escape("\\", "$"), PlainEscape("\\"), "a"])]),
        ("<< a<", [Heredoc("<< "), "a", Heredoc("<")]),
    ],
)
def test_a_word_is_a_sequence_of_parts(text: str, parts: list[Part]) -> None:
    assert parse(text) == Word(parts, [])


def test_quotes_may_have_no_meaning() -> None:
    assert parse("'\"", quotes=False) == Word(["'\""], [])


@pytest.mark.parametrize(
    ("text", "operator", "operands"),
    [
        ("${a:-x y}", ":-", [["x y"]]),
        ("${a##*/}", "##", [["*/"]]),
        ("${a//b/c/d}", "//", [["b"], ["c/d"]]),
        ("${a+}", "+", [[]]),
    ],
)
def test_a_substitution_has_an_operator_and_operands(
    text: str, operator: str, operands: list[list[Part]]
) -> None:
    (part,) = parse(text).parts
    assert isinstance(part, Substitution)
    assert (part.name, part.operator, part.operands) == ("a", operator, operands)


def test_substitutions_are_in_the_order_of_their_ends() -> None:
    word = parse('${a:-${b:-x}"${c+y}"}${d?z}')
    assert [part.name for part in word.substitutions] == ["b", "c", "a", "d"]


@pytest.mark.parametrize(
    ("text", "names", "error"),
    [
        ("${a:-x}${b", "a", "unsupported modifier (\ufffd) in substitution"),
        ("${a:-${b:-x}", "", "syntax error: missing '}'"),
        ("${a/${b:-x}}", "b", "syntax error: missing '/' in ${}"),
        ('${a:-x}"', "a", "unexpected end of statement while looking for matching double-quote"),
        ("${a:-x}${}", "a", "syntax error: bad substitution"),
        ("${a:-x}${b:#c}d", "a", "unsupported modifier (:#) in substitution"),
    ],
)
def test_a_syntax_error_keeps_the_substitutions_before_it(
    text: str, names: str, error: str
) -> None:
    word = parse(text)
    assert "".join(part.name for part in word.substitutions) == names
    assert word.error == error
