"""The Python blocks about handles and asyncio in docs/python-client.md are programs that run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "python-client.md").read_text()
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
BLOCKS = [
    block
    for name in ("Start, follow and cancel a build", "asyncio and trio")
    for block in re.findall(r"```python\n(.*?)```", SECTIONS[name], re.DOTALL)
]


@pytest.mark.feature("K24", "K25")
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_of_the_page_runs(buildkit_host: str, tmp_path: Path, number: int) -> None:
    code = BLOCKS[number]
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "BUILDKIT_HOST": buildkit_host},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")
    for expected in re.findall(r"print\(.*?\)  # (.*)", code):
        assert expected in process.stdout.splitlines()
    if "out/{number}" in code:
        assert len(list((tmp_path / "out").iterdir())) == 20
