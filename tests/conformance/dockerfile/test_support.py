"""The table of what is supported is that of the cases and tests, and nothing in it is unheld."""

from __future__ import annotations

import re

import pytest

from tests.conformance.dockerfile.support import (
    KINDS,
    MARKER,
    TABLE,
    TESTS,
    Feature,
    Marked,
    Support,
    files,
    names_of,
    text,
)

SUPPORT = Support.read()


def test_every_feature_is_held_by_what_there_is() -> None:
    assert SUPPORT.mistakes() == []


def test_the_document_is_up_to_date() -> None:
    assert TABLE.read_text() == text(SUPPORT), "python -m tests.conformance.dockerfile.support"


def test_no_marker_stands_where_it_is_not_seen() -> None:
    texts = (path.read_text() for path in TESTS.rglob("*.py"))
    assert sum(text.count(f"{MARKER}(") for text in texts) == len(SUPPORT.marked)


def test_its_links_lead_somewhere() -> None:
    document = TABLE.read_text()
    links = re.findall(r"\]\(([^)]+)\)", document)
    headings = {f"#{each.lower()}" for each in re.findall(r"^### (\w+)$", document, re.MULTILINE)}
    assert [each for each in links if each.startswith("#") and each not in headings] == []
    assert [
        each for each in links if not each.startswith("#") and not (TABLE.parent / each).is_file()
    ] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_case_holds_a_feature(kind: str) -> None:
    held = {name for feature in SUPPORT.features for name in files(feature, kind)}
    assert [name for name in names_of(kind) if name not in held] == []


def test_ids_count_up_in_the_order_of_the_sections() -> None:
    numbers: dict[str, int] = dict.fromkeys(SUPPORT.sections, 0)
    for feature in SUPPORT.features:
        numbers[feature.id[0]] += 1
        assert feature.id == f"{feature.id[0]}{numbers[feature.id[0]]}"
    assert all(numbers.values())
    assert list(dict.fromkeys(each.id[0] for each in SUPPORT.features)) == list(SUPPORT.sections)


@pytest.mark.parametrize(
    ("feature", "mistake"),
    [
        (Feature("A1", "1.0", "x"), ["A1: nothing holds it"]),
        (Feature("A1", "1.0", "x", ["simple"]), []),
        (Feature("A1", "1.0", "x", missing="too odd"), []),
        (Feature("A1", "1.0", "x", ["simple"], missing="too odd"), ["A1: held, yet missing"]),
        (Feature("A1", "1.0", "x", ["none-such*"]), ["A1: no file of cases: none-such*"]),
        (Feature("A2", "1.0", "x"), []),
        (Feature("B1", "1.0", "x", ["simple"]), ["B1: no section"]),
    ],
)
def test_what_does_not_fit_is_found(feature: Feature, mistake: list[str]) -> None:
    known = Feature("A9", "1.0", "x", ["simple"])
    marked = Marked("e2e/test_a.py", "test_b", ("A2",))
    unknown = [] if feature.id == "A2" else ["e2e/test_a.py: test_b: no feature A2"]
    assert Support({"A": "The file"}, (feature, known), (marked,)).mistakes() == unknown + mistake
