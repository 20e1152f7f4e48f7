"""docs/registries.md lists tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "registries.md").read_text()
TESTS = sorted(set(re.findall(r'\[test\]\(\.\./(\S*) "(\w*)"\)', PAGE)))


def test_every_row_names_a_test() -> None:
    rows = re.findall(
        r"^\| (?!Where|Value|What it says|The registry wants).*\|$", PAGE, re.MULTILINE
    )
    assert rows
    assert all("[test](" in row for row in rows)


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_a_test_that_is_named_exists(file: str, name: str) -> None:
    assert f"\ndef {name}(" in (ROOT / file).read_text()
