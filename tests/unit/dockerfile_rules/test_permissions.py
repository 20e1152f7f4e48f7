"""Parse owners and modes, and write them back."""

from __future__ import annotations

import pytest

from llb.dockerfile_rules.permissions import parse_chmod, parse_chown, to_chmod, to_chown
from llb.errors import InvalidValueError


@pytest.mark.parametrize("text", ["7", "app", "7:8", "app:web", "9999999999", "a:b:c"])
def test_an_owner_is_written_as_it_was_parsed(text: str) -> None:
    assert to_chown(parse_chown(text)) == text


def test_an_empty_owner_is_none() -> None:
    assert parse_chown("") is None
    assert to_chown(None) == ""


def test_an_empty_user_is_root() -> None:
    assert to_chown(parse_chown(":")) == "0"
    assert to_chown(parse_chown(":5")) == "0:5"


def test_an_empty_group_is_that_of_the_user() -> None:
    assert to_chown(parse_chown("me:")) == "me"
    assert to_chown(parse_chown("root:")) == "0"


def test_an_owner_of_thousands_of_digits_is_a_name() -> None:
    digits = "1" * 5000
    assert to_chown(parse_chown(digits)) == digits


@pytest.mark.parametrize(
    ("text", "mode"),
    [("", None), ("755", 0o755), ("00000755", 0o755), ("u=rwX,go-w", "u=rwX,go-w")],
)
def test_a_mode_is_octal_or_symbolic(text: str, mode: int | str | None) -> None:
    assert parse_chmod(text) == mode


def test_a_mode_is_written_as_it_was_parsed() -> None:
    assert parse_chmod(to_chmod(0o4755)) == 0o4755
    assert parse_chmod(to_chmod("u+x")) == "u+x"


@pytest.mark.parametrize("text", ["10000", "888", "x"])
def test_an_invalid_mode_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="invalid mode"):
        parse_chmod(text)


def test_a_mode_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="invalid mode '777"):
        parse_chmod("7" * 5000)
