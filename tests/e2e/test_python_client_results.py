"""The Python blocks in docs/python-client.md about results and large files are programs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "python-client.md").read_text()
SECTIONS = ("Look at results", "Large files in memory")
BLOCKS = [
    block
    for title in SECTIONS
    for block in re.findall(
        r"```python\n(.*?)```", re.split(r"\n## ", PAGE.partition(f"## {title}\n")[2])[0], re.DOTALL
    )
]


def test_the_sections_have_blocks() -> None:
    assert len(BLOCKS) == 4


@pytest.mark.feature("K22")
@pytest.mark.parametrize("number", range(4))
def test_a_block_prints_what_it_says(buildkit_host: str, tmp_path: Path, number: int) -> None:
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", BLOCKS[number]],
        cwd=tmp_path,
        env={**os.environ, "BUILDKIT_HOST": buildkit_host},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    expected = re.findall(r"print\(.*\)  # (.*)", BLOCKS[number])
    assert expected
    assert [line for line in process.stdout.splitlines() if line] == expected
