"""Every Python block with tests in the guides to testing is a test file that passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

# pytester unloads the modules that a run imported, and protobuf cannot be imported twice.
import llb.testing.daemon
import llb.testing.gateway  # noqa: F401

pytest_plugins = ["pytester"]

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "testing.md").read_text()
BLOCKS = {
    f"{page.parent.name}-{number}": block
    for page in (DOCS / "testing.md", DOCS / "howto" / "testing.md")
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
    if "\ndef test_" in block
}


def test_the_guides_have_blocks() -> None:
    assert {name.partition("-")[0] for name in BLOCKS} == {"docs", "howto"}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_of_a_guide_passes(pytester: pytest.Pytester, name: str) -> None:
    pytester.makepyfile(test_site=BLOCKS[name])
    count = BLOCKS[name].count("\ndef test_")
    for option in (["--update-golden"], []):
        pytester.runpytest(*option).assert_outcomes(passed=count)


def test_the_guide_shows_the_output_of_a_difference(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_site=BLOCKS["docs-0"])
    pytester.runpytest("--update-golden")
    pytester.makepyfile(test_site=BLOCKS["docs-0"].replace("pandoc", "pandoc make"))
    result = pytester.runpytest()
    (expected,) = re.findall(r"```text\n(.*?)```", GUIDE, re.DOTALL)
    result.stdout.fnmatch_lines(
        [f"E *{line.strip()}" for line in expected.splitlines() if not line.startswith("…")]
    )
