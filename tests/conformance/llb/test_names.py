"""Every name of Go's client/llb has a counterpart in Python, or a reason why not."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.conformance.llb import names
from tests.conformance.llb.go import recorder


def test_the_table_has_every_name_once() -> None:
    listed = Counter(name for row in names.rows() for name in row.go)
    assert listed == Counter(names.recorded())


def test_every_spelling_of_the_table_exists() -> None:
    spellings = [spelling for row in names.rows() for spelling in row.python]
    assert [spelling for spelling in spellings if not names.exists(spelling)] == []


def test_a_name_is_compared_with_go_or_the_table_says_why_not() -> None:
    compared = names.exercised()
    silent = [name for row in names.rows() if not row.note for name in row.go]
    assert [name for name in silent if name not in compared] == []


def test_a_name_without_a_counterpart_has_a_reason() -> None:
    assert [row.go for row in names.rows() if not row.python and not row.note] == []


@pytest.mark.go
def test_the_names_are_those_of_the_module_today() -> None:
    assert json.loads(recorder("names")) == json.loads(names.NAMES.read_text())
