"""The asynchronous client in the event loops of others: pytest-asyncio, and cells of a notebook."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TESTS = """\
import asyncio

import pytest

from llb import Image
from llb.client import AsyncClient


@pytest.fixture
async def client():
    async with AsyncClient() as client:
        yield client


async def test_a_build(client):
    state = Image("busybox").run("echo $((6 * 7)) > /answer")
    assert await client.read_text(state, "/answer") == "42\\n"


async def test_a_cancelled_build(client):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await client.solve(Image("busybox").run("sleep 3600", ignore_cache=True))
    assert (await client.info()).version
"""
SETTINGS = """\
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""
NOTEBOOK = """\
import nbclient, nbformat

cells = [
    "from llb import Image; from llb.client import AsyncClient; client = AsyncClient()",
    "completed = await client.run(Image('busybox'), 'echo $((6 * 7))'); print(completed.stdout)",
    "build = await client.start(Image('busybox').run('sleep 3600', ignore_cache=True))",
    "build.cancel()",
    "try:\\n    await build.result()\\nexcept Exception as error:\\n    print(error)",
    "await client.close()",
]
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
nbclient.NotebookClient(notebook).execute()
for cell in notebook.cells:
    for output in cell.outputs:
        print(output.text, end="")
"""


@pytest.fixture
def run(buildkit_host: str, tmp_path: Path) -> Callable[..., str]:
    """Run Python in an empty folder, and return what it prints."""

    def call(*arguments: str) -> str:
        process = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "BUILDKIT_HOST": buildkit_host, "IPYTHONDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout

    return call


@pytest.mark.feature("K24")
def test_tests_of_pytest_asyncio_build(run: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "test_builds.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    assert "2 passed" in run("-m", "pytest", "-q")


@pytest.mark.feature("K24")
def test_cells_of_a_notebook_build(run: Callable[..., str]) -> None:
    assert run("-c", NOTEBOOK) == "b'42\\n'\nthe build was cancelled\n"
