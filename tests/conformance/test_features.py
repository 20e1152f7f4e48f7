"""The feature pages are up to date, and every feature has tests or files."""

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
    MarkedTest,
    Page,
    Support,
    marked,
    render,
)

PAGES = (CLIENT, DOCKERFILE)
of_every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.document.stem)


@of_every_page
def test_every_feature_has_existing_tests_or_files(page: Page) -> None:
    assert Support.read(page).mistakes() == []


@of_every_page
def test_the_document_is_up_to_date(page: Page) -> None:
    folder = page.lines.parent.name
    assert page.document.read_text() == render(Support.read(page)), (
        f"python -m tests.conformance.{folder}.support"
    )


def test_every_marker_names_features_of_one_page() -> None:
    ids = [feature.id for page in PAGES for feature in Support.read(page).features]
    assert len(ids) == len(set(ids))
    assert [(test, name) for test in marked() for name in test.ids if name not in ids] == []


def test_every_marker_is_on_a_collected_test() -> None:
    sources = (path.read_text() for path in TESTS.rglob("*.py"))
    assert sum(source.count(f"{MARKER}(") for source in sources) == len(list(marked()))


@of_every_page
def test_every_link_resolves(page: Page) -> None:
    document = page.document.read_text()
    links = re.findall(r"\]\(([^)]+)\)", document)
    headings = {
        f"#{heading.lower()}" for heading in re.findall(r"^### (\w+)$", document, re.MULTILINE)
    }
    assert [link for link in links if link.startswith("#") and link not in headings] == []
    folder = page.document.parent
    files = [link for link in links if not link.startswith("#")]
    assert [link for link in files if not (folder / link).is_file()] == []


@of_every_page
def test_ids_count_up_in_the_order_of_the_sections(page: Page) -> None:
    support = Support.read(page)
    numbers: dict[str, int] = dict.fromkeys(support.sections, 0)
    for feature in support.features:
        numbers[feature.id[0]] += 1
        assert feature.id == f"{feature.id[0]}{numbers[feature.id[0]]}"
    assert all(numbers.values())
    assert list(dict.fromkeys(feature.id[0] for feature in support.features)) == list(
        support.sections
    )


@pytest.mark.parametrize("kind", DOCKERFILE.kinds, ids=lambda kind: kind.plural)
def test_every_dockerfile_covers_a_feature(kind: Kind) -> None:
    features = Support.read(DOCKERFILE).features
    covered = {name for feature in features for name in feature.names(kind)}
    assert [name for name in kind.names() if name not in covered] == []


SIMPLE = {"cases": ["simple"]}


@pytest.mark.parametrize(
    ("feature", "mistakes"),
    [
        (Feature("A1", "x"), ["A1: no test or file covers it"]),
        (Feature("A1", "x", files=SIMPLE), []),
        (Feature("A1", "x", missing="too odd"), []),
        (Feature("A1", "x", missing="too odd", files=SIMPLE), ["A1: covered, but marked missing"]),
        (Feature("A1", "x", files={"cases": ["none*"]}), ["A1: none of the cases match none*"]),
        (Feature("A1", "x", files={"plays": ["simple"]}), ["A1: none of the plays match simple"]),
        (Feature("A2", "x"), []),
        (Feature("B1", "x", files=SIMPLE), ["B1: unknown section"]),
    ],
)
def test_mistakes_in_a_page_are_reported(feature: Feature, mistakes: list[str]) -> None:
    tests = (MarkedTest("e2e/test_a.py", "test_b", ("A2",)),)
    assert Support(DOCKERFILE, {"A": "The file"}, (feature,), tests).mistakes() == mistakes
