"""Command lines are split as google/shlex, BuildKit's library, splits them."""

from __future__ import annotations

import pytest

from llb import shlex
from llb.errors import InvalidValueError


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", ()),
        ("  ", ()),
        ("a b\tc\nd\r", ("a", "b", "c", "d")),
        ("a 'b c' \"d e\"", ("a", "b c", "d e")),
        ("a''b", ("ab",)),
        ("''", ("",)),
        (r"a\ b", ("a b",)),
        (r'"a\"\b"', ('a"b',)),
        (r"'a\'", ("a\\",)),
        ("a#b # c\nd", ("a#b", "d")),
        ("# only this", ()),
        ('"#"', ("#",)),
        ("é ü", ("é", "ü")),
    ],
)
def test_command_lines_are_split(command: str, words: tuple[str, ...]) -> None:
    assert shlex(command) == words


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("a 'b", 'invalid command "a \'b": a quote is not closed'),
        ('a "b', "invalid command 'a \"b': a quote is not closed"),
        ("a \\", "invalid command 'a \\\\': it ends with a backslash"),
        ('"\\', "invalid command '\"\\\\': it ends with a backslash"),
    ],
)
def test_an_unclosed_quote_or_escape_is_refused(command: str, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        shlex(command)
    assert caught.value.message == message
