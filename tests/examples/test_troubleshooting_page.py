"""The messages in docs/troubleshooting.md exist: in the code, or in tests that expect them.

``tests/e2e/test_troubleshooting.py`` provokes the others.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.e2e.test_troubleshooting import PROVOKED

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
ROWS = re.findall(r"^\| (.*?) \| .* \| .* \|$", PAGE, re.MULTILINE)
MESSAGES = sorted(
    {
        message
        for row in ROWS
        for message in re.findall(r"`([^`]+)`", row)
        if message not in {"docker images", *PROVOKED}
    }
)
# What takes the place of a name.
HOLE = "…"
# Texts of BuildKit, registries, Linux and Python that no test has provoked, with their sources.
FOREIGN = {
    "exec format error": "Linux, ENOEXEC",
    "server gave HTTP response to HTTPS client": "Go, net/http",
}


@cache
def texts_of_the_code() -> str:
    """All strings of the package, with the values in them replaced, a line for each."""
    lines = []
    for path in (ROOT / "llb").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.JoinedStr(values=values):
                    parts = [v.value if isinstance(v, ast.Constant) else HOLE for v in values]
                    lines.append("".join(map(str, parts)))
                case ast.Constant(value=str(text)):
                    lines.append(text)
    return "\n".join(lines)


@cache
def texts_of_the_tests() -> str:
    """The tests, which compare errors of daemons and registries, and the pages they record."""
    tests = (ROOT / "tests").rglob("*.py")
    return "\n".join(path.read_text() for path in tests if path != Path(__file__))


def is_said(message: str) -> bool:
    """Check whether a string of the code has a message, or the tests have all of its parts."""
    pattern = ".*".join(re.escape(part.strip()) for part in message.split(HOLE))
    in_order = re.compile(pattern)
    if in_order.search(texts_of_the_code()):
        return True
    parts = [part.strip(' ":,') for part in message.split(HOLE)]
    return all(part in texts_of_the_tests() for part in parts)


def test_the_page_has_many_messages() -> None:
    assert len(ROWS) > 50
    assert len(MESSAGES) > 30


@pytest.mark.parametrize("message", [text for text in MESSAGES if text not in FOREIGN])
def test_a_message_of_the_page_is_one_that_is_printed(message: str) -> None:
    assert is_said(message)


def test_the_check_finds_a_message_that_nobody_prints() -> None:
    assert not is_said("the frobnicator … is not ready")
