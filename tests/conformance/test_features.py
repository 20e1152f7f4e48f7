"""The pages of features are those of the tests and files there are, and nothing is unheld."""

from __future__ import annotations

import re

import pytest

from tests.conformance.client.support import PAGE as CLIENT
from tests.conformance.dockerfile.support import PAGE as DOCKERFILE
from tests.conformance.features import (
    MARKER,
    TESTS,
    Feature,
    Kind,
    Marked,
    Page,
    Support,
    marked,
    text,
)

PAGES = (CLIENT, DOCKERFILE)
of_every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.document.stem)


@of_every_page
def test_every_feature_is_held_by_what_there_is(page: Page) -> None:
    assert Support.read(page).mistakes() == []


@of_every_page
def test_the_document_is_up_to_date(page: Page) -> None:
    folder = page.lines.parent.name
    assert page.document.read_text() == text(Support.read(page)), (
        f"python -m tests.conformance.{folder}.support"
    )


def test_every_marker_names_features_of_one_page() -> None:
    ids = [each.id for page in PAGES for each in Support.read(page).features]
    assert len(ids) == len(set(ids))
    assert [(each, name) for each in marked() for name in each.ids if name not in ids] == []


def test_no_marker_stands_where_it_is_not_seen() -> None:
    texts = (path.read_text() for path in TESTS.rglob("*.py"))
    assert sum(text.count(f"{MARKER}(") for text in texts) == len(list(marked()))


@of_every_page
def test_links_lead_somewhere(page: Page) -> None:
    document = page.document.read_text()
    links = re.findall(r"\]\(([^)]+)\)", document)
    headings = {f"#{each.lower()}" for each in re.findall(r"^### (\w+)$", document, re.MULTILINE)}
    assert [each for each in links if each.startswith("#") and each not in headings] == []
    folder = page.document.parent
    files = [each for each in links if not each.startswith("#")]
    assert [each for each in files if not (folder / each).is_file()] == []


@of_every_page
def test_ids_count_up_in_the_order_of_the_sections(page: Page) -> None:
    support = Support.read(page)
    numbers: dict[str, int] = dict.fromkeys(support.sections, 0)
    for feature in support.features:
        numbers[feature.id[0]] += 1
        assert feature.id == f"{feature.id[0]}{numbers[feature.id[0]]}"
    assert all(numbers.values())
    assert list(dict.fromkeys(each.id[0] for each in support.features)) == list(support.sections)


@pytest.mark.parametrize("kind", DOCKERFILE.kinds, ids=lambda kind: kind.plural)
def test_every_dockerfile_holds_a_feature(kind: Kind) -> None:
    features = Support.read(DOCKERFILE).features
    held = {name for feature in features for name in feature.names(kind)}
    assert [name for name in kind.names() if name not in held] == []


SIMPLE = {"cases": ["simple"]}


@pytest.mark.parametrize(
    ("feature", "mistakes"),
    [
        (Feature("A1", "x"), ["A1: nothing holds it"]),
        (Feature("A1", "x", held=SIMPLE), []),
        (Feature("A1", "x", missing="too odd"), []),
        (Feature("A1", "x", missing="too odd", held=SIMPLE), ["A1: held, yet missing"]),
        (Feature("A1", "x", held={"cases": ["none*"]}), ["A1: no file of cases: none*"]),
        (Feature("A1", "x", held={"plays": ["simple"]}), ["A1: no file of plays: simple"]),
        (Feature("A2", "x"), []),
        (Feature("B1", "x", held=SIMPLE), ["B1: no section"]),
    ],
)
def test_what_does_not_fit_is_found(feature: Feature, mistakes: list[str]) -> None:
    tests = (Marked("e2e/test_a.py", "test_b", ("A2",)),)
    assert Support(DOCKERFILE, {"A": "The file"}, (feature,), tests).mistakes() == mistakes
