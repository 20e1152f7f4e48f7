"""The Python blocks in the guides of the site are programs that run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [
    DOCS / "index.md",
    DOCS / "tutorial.md",
    *sorted((DOCS / "howto").glob("*.md")),
    *sorted((DOCS / "migrate").glob("*.md")),
]
BLOCKS = {
    f"{page.stem}-{number}": code
    for page in PAGES
    for number, code in enumerate(
        re.findall(r"^```python\n(.*?)```", page.read_text(), re.DOTALL | re.MULTILINE)
    )
}
# What these blocks need: an image with Go, or a Docker that an image is loaded into.
ELSEWHERE = {"index-0": "test_build_image.py", "index-1": "test_build_examples.py"}
FILES = {
    "Dockerfile": "FROM busybox\nCOPY app.py /app.py\nARG WHO=world\nRUN echo hello $WHO > /greeting\n",
    "app.py": "print('hello from the app')\n",
}


def test_there_are_blocks() -> None:
    assert len(BLOCKS) > 15
    assert set(ELSEWHERE) < set(BLOCKS)


@pytest.mark.parametrize("name", [name for name in BLOCKS if name not in ELSEWHERE])
def test_a_block_runs(name: str, buildkit_host: str, registry: str, tmp_path: Path) -> None:
    for file, text in FILES.items():
        (tmp_path / file).write_text(text)
    code = BLOCKS[name].replace("localhost:5000", registry)
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "BUILDKIT_HOST": buildkit_host},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    lines = [line.strip() for line in process.stdout.splitlines()]
    for expected in re.findall(r"print\(.*\)  # (.*)", code):
        assert expected in lines


def test_the_build_file_of_the_tutorial_is_built(buildkit_host: str, tmp_path: Path) -> None:
    page = (DOCS / "tutorial.md").read_text()
    (code,) = [
        block for block in re.findall(r"```py\n(.*?)```", page, re.DOTALL) if "@target" in block
    ]
    (tmp_path / "build.py").write_text(code)
    (tmp_path / "app.py").write_text(FILES["app.py"])
    (command,) = re.findall(r"\$ (llb build build.py .*)", page)
    process = subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=tmp_path,
        env={**os.environ, "BUILDKIT_HOST": buildkit_host},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "out" / "greeting").read_text() == "hello you\n"
