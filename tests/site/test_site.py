"""The documentation site: it builds without warnings, and its reference is complete."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
from sphinx.util.inventory import InventoryFile

from llb.cli import cli
from tests.public_surface import MODULES

DOCS = Path(__file__).parents[2] / "docs"
# Sphinx imports everything that it documents.
pytestmark = pytest.mark.timeout(900)


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    with (site / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, path: path)
    documented = {name for objects in inventory.values() for name in objects}
    pages = {path.stem: path.read_text() for path in (site / "reference").glob("*.html")}
    missing = []
    for module in MODULES:
        package = import_module(module)
        for name in package.__all__:
            value = getattr(package, name)
            is_module = inspect.ismodule(value)
            is_here = f"{module}.{name}" in documented
            is_linked = re.search(rf'href="[\w.]+#llb[\w.]*\.{name}"', pages[module]) is not None
            if not (is_here or is_linked or is_module):
                missing.append(f"{module}.{name}")
    assert missing == []


def test_every_command_is_in_the_reference(site: Path) -> None:
    page = (site / "reference" / "commands.html").read_text()
    assert all(f"llb {name}<" in page for name in cli.commands or cli.list_commands(None))  # type: ignore[arg-type]


def test_the_index_finds_every_page(site: Path) -> None:
    pages = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
    assert all((site / page).is_file() for page in pages)
    assert (site / "searchindex.js").is_file()
