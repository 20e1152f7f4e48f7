"""Files of environment variables."""

from __future__ import annotations

import pytest

from llb.bake.compose.dotenv import parse_dotenv
from llb.errors import BakeFileError


def test_values_are_plain_or_in_quotes() -> None:
    text = (
        "# comment\n\nexport A = plain # comment\nB=a#b\n"
        "C=\"x\\n$A\"\nD='x\\n$A'\nE: yaml\nHOME\nMISSING\nF=\n"
    )
    assert parse_dotenv(text, {"HOME": "/root"}.get, ".env") == {
        "A": "plain",
        "B": "a#b",
        "C": "x\nplain",
        "D": "x\\n$A",
        "E": "yaml",
        "HOME": "/root",
        "F": "",
    }


def test_the_environment_comes_before_the_file() -> None:
    assert parse_dotenv("A=file\nB=$A", {"A": "env"}.get, ".env")["B"] == "env"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A=1\n=2\n", ".env:2: expected NAME=VALUE, but found '=2'"),
        ('A="x\n', ".env:1: the value has no closing quote"),
    ],
)
def test_an_error_names_the_line(text: str, message: str) -> None:
    with pytest.raises(BakeFileError) as caught:
        parse_dotenv(text, lambda _: None, ".env")
    assert str(caught.value) == message
