"""docs/connections.md lists every kind of address, and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llb.client.connect.connhelpers import FORMS
from llb.client.connect.routes import SCHEMES, SOCKETS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "connections.md").read_text()
TESTS = sorted(set(re.findall(r'\[test\]\(\.\./(\S*) "(\w*)"\)', PAGE)))


def rows(page: str) -> list[list[str]]:
    """Parse the rows of the first table into cells."""
    table = page.partition("|---|---|---|---|\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_every_kind_of_address_has_a_row() -> None:
    schemes = [address.strip("`").partition("://")[0] for address, *_ in rows(PAGE)]
    assert set(schemes) == set(SCHEMES)
    assert set(SCHEMES) == {*SOCKETS, "docker", "builder", *FORMS}


def test_containers_and_machines_have_their_address_and_options() -> None:
    options_by_address = {address.strip("`"): options for address, _, options, _ in rows(PAGE)}
    for form in FORMS.values():
        assert set(re.findall("`([^`]*)`", options_by_address[form.text])) == set(form.options)


def test_every_row_names_a_test() -> None:
    assert all("[test](" in test for *_, test in rows(PAGE))
    assert TESTS


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_a_test_that_is_named_exists(file: str, name: str) -> None:
    assert f"\ndef {name}(" in (ROOT / file).read_text()
