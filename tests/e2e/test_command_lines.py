"""Lines of ``docker buildx build`` give the same with ``llb build``: docs/docker-build-lines.md."""

from __future__ import annotations

import os
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.e2e.command_lines.page import read_lines
from tests.e2e.command_lines.programs import Place, run_line
from tests.e2e.command_lines.project import make_project, provide_images, serving_project
from tests.e2e.conftest import STACK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.command_lines.page import Line

# `make test` compares every fourth line, and `make lines` all of them.
LINES = read_lines()[:: 1 if os.environ.get("PYLLB_ALL_LINES") else 4]


@pytest.fixture(scope="module")
def buildx(stack: dict[str, str]) -> str:
    """The path of buildx."""
    assert stack
    process = subprocess.run([STACK, "buildx"], check=True, capture_output=True, text=True)
    return process.stdout.strip()


@pytest.fixture(scope="module")
def place(
    buildx: str, buildkit_host: str, registry: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """The project, a builder for both programs, the images of the lines, and a server."""
    folder = tmp_path_factory.mktemp("lines")
    project = folder / "project"
    project.mkdir()
    make_project(project)
    with serving_project(project, folder / "served") as server:
        place = Place.create(folder, registry, f"lines-{uuid.uuid4().hex[:8]}", server)

        def run(*arguments: str, cwd: Path | None = None, stdin: str = "") -> None:
            process = subprocess.run(
                [buildx, *arguments],
                cwd=cwd,
                input=stdin,
                env=place.environment,
                text=True,
                capture_output=True,
                check=False,
            )
            assert process.returncode == 0, process.stderr

        run("create", "--name", "lines", "--driver", "remote", "--use", buildkit_host)
        provide_images(project, f"{registry}/{place.repositories}", run)
        yield place


@pytest.mark.feature("P4")
@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.number}")
def test_a_line_gives_the_same(line: Line, buildx: str, place: Place, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        theirs = pool.submit(run_line, line, buildx, place, tmp_path)
        ours = pool.submit(run_line, line, None, place, tmp_path)
        expected, outcome = theirs.result(), ours.result()
    is_equal = outcome == expected
    assert is_equal == (line.difference is None), (
        f"{line.text}\n\nbuildx: {expected}\n\nllb: {outcome}"
    )
