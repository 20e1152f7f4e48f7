"""The Python blocks in docs/python-client.md about builds of images are programs that run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.test_cli_build import docker_host  # noqa: F401 - a fixture

PAGE = (Path(__file__).parents[2] / "docs" / "python-client.md").read_text()
# The other sections have tests of their own.
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.partition("## Look at results")[0], re.DOTALL)
DOCKERFILE = """\
FROM busybox AS app
ARG VARIANT
COPY app.py /
RUN echo $VARIANT > /variant
FROM scratch AS data
COPY app.py /
FROM app
"""


def test_the_page_has_blocks() -> None:
    assert len(BLOCKS) > 8


@pytest.mark.feature("K20")
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_of_the_page_runs(
    buildkit_host: str,
    docker_host: str,  # noqa: F811 - the fixture
    registry: str,
    tmp_path: Path,
    number: int,
) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "app.py").write_text("print(1)\n")
    code = BLOCKS[number].replace("localhost:5000", registry)
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "BUILDKIT_HOST": buildkit_host, "DOCKER_HOST": docker_host},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    for expected in re.findall(r"print\(.*?\)  # ([\d(].*)", code):
        assert expected.replace('"', "'") in process.stdout
