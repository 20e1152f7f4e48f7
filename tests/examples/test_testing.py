"""Every Python block in the guide to testing is a test file that passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

# pytester unloads the modules that a run imported, and protobuf cannot be imported twice.
import llb.testing.daemon
import llb.testing.gateway  # noqa: F401

pytest_plugins = ["pytester"]

GUIDE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_of_the_guide_passes(pytester: pytest.Pytester, number: int) -> None:
    pytester.makepyfile(test_site=BLOCKS[number])
    count = BLOCKS[number].count("\ndef test_")
    for option in (["--update-golden"], []):
        pytester.runpytest(*option).assert_outcomes(passed=count)


def test_the_guide_shows_the_output_of_a_difference(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_site=BLOCKS[0])
    pytester.runpytest("--update-golden")
    pytester.makepyfile(test_site=BLOCKS[0].replace("pandoc", "pandoc make"))
    result = pytester.runpytest()
    (expected,) = re.findall(r"```text\n(.*?)```", GUIDE, re.DOTALL)
    result.stdout.fnmatch_lines(
        [f"E *{line.strip()}" for line in expected.splitlines() if not line.startswith("…")]
    )
