"""Every link of a document to a test names one that exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING

from tests.checkout import ROOT

if TYPE_CHECKING:
    from pathlib import Path

LINK = re.compile(r"\]\(([^)\s]*tests/[^)\s]+\.py)(?: \"(\w+)\")?\)")


@cache
def functions(file: Path) -> frozenset[str]:
    if not file.is_file():
        return frozenset()
    nodes = ast.walk(ast.parse(file.read_text()))
    return frozenset(
        node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_every_link_to_a_test_names_one_that_exists() -> None:
    pages = sorted((ROOT / "docs").rglob("*.md"))
    links = [
        (page.name, path, name)
        for page in pages
        for path, name in LINK.findall(page.read_text())
        if name
    ]
    assert len(links) > 100
    folders = {page.name: page.parent for page in pages}
    assert [
        link for link in links if link[2] not in functions((folders[link[0]] / link[1]).resolve())
    ] == []
