"""Expanding variables in words."""

from __future__ import annotations

import pytest

from llb.dockerfile.shell.expand import Expander, ExpansionError

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


def test_words_are_split_after_expansion_outside_quotes() -> None:
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
    "word", ["$a$a", '"$a$a"', "${none:-$a$a}", "${a//x/$b}", "$a${none:-'y'}$a", "${a:+$a$a}"]
)
def test_a_value_that_no_message_can_carry_is_refused(word: str) -> None:
    env = {"a": "x" * 9 * 2**20, "b": "y" * 1000}
    with pytest.raises(ExpansionError, match="its value has more than 16777216 characters"):
        Expander().word(word, env)
    assert len(Expander().word("$a", env)) == 9 * 2**20
