"""The Python blocks in the guides of the site are programs that run."""

from __future__ import annotations

import ast
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
# Blocks that need more than this stack, such as a Docker or a private repository.
SHOWN = {
    f"{page.stem}-{number}": code
    for page in (*PAGES, DOCS / "connections.md")
    for number, code in enumerate(
        re.findall(r"^```py\n(.*?)```", page.read_text(), re.DOTALL | re.MULTILINE)
    )
}
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
    output = run_program(["-c", code], buildkit_host, tmp_path)
    lines = [line.strip() for line in output.splitlines()]
    for expected in re.findall(r"print\(.*\)  # (.*)", code):
        assert expected in lines


@pytest.mark.parametrize("code", SHOWN.values(), ids=SHOWN)
def test_a_block_that_is_only_shown_is_python_with_imports_that_work(code: str) -> None:
    statements = [
        statement
        for statement in ast.walk(ast.parse(code))
        if isinstance(statement, ast.ImportFrom) and str(statement.module).startswith("llb")
    ]
    for statement in statements:
        exec(ast.unparse(statement))


@pytest.mark.parametrize(
    ("page", "file", "text"),
    [("tutorial.md", "greeting", "hello you\n"), ("build-files.md", "version", "1.0\n")],
)
def test_the_first_build_file_of_a_page_is_built(
    buildkit_host: str, tmp_path: Path, page: str, file: str, text: str
) -> None:
    guide = (DOCS / page).read_text()
    (code, *_) = [
        block for block in re.findall(r"```py\n(.*?)```", guide, re.DOTALL) if "@target" in block
    ]
    (tmp_path / "build.py").write_text(code)
    (tmp_path / "app.py").write_text(FILES["app.py"])
    (command, *_) = re.findall(r"\$ (llb build build.py .*)", guide)
    run_program(["-m", *command.split()], buildkit_host, tmp_path)
    assert (tmp_path / "out" / file).read_text() == text


def test_the_program_of_the_page_about_containers_runs(buildkit_host: str, tmp_path: Path) -> None:
    (code,) = re.findall(r"```py\n(.*?)```", (DOCS / "containers.md").read_text(), re.DOTALL)
    assert "busybox" in run_program(["-c", code], buildkit_host, tmp_path)


def run_program(arguments: list[str], buildkit_host: str, folder: Path) -> str:
    """Run Python with a daemon's address, and capture its output."""
    process = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env={**os.environ, "BUILDKIT_HOST": buildkit_host},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout
