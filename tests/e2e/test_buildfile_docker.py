"""Build files on Debian's Docker, which contains a BuildKit of 2021."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.servers import running_dockerd

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "03_buildfile"
STACK = ROOT / "dev" / "stack"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, registry: str) -> Iterator[Path]:
    """The socket of a Docker Engine that pulls from the registry."""
    with running_dockerd(tmp_path_factory.mktemp("docker") / "engine", registry) as running:
        yield running


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of Docker's CLI with buildx, which newer CLIs need to build."""
    process = subprocess.run([STACK, "buildx"], check=True, capture_output=True, text=True)
    plugins = tmp_path / "config" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").symlink_to(process.stdout.strip())
    return plugins.parent


def docker(engine: Path, config: Path, *arguments: str | Path) -> str:
    """Run Docker's CLI and return its output."""
    variables = {
        "DOCKER_HOST": f"unix://{engine}",
        "DOCKER_CONFIG": str(config),
        "DOCKER_BUILDKIT": "1",
    }
    process = subprocess.run(
        ["docker", *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_docker_build_makes_an_image_that_runs(
    engine: Path, config: Path, frontend: str, registry: str, tmp_path: Path
) -> None:
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "build.py"
    source = file.read_text().replace("localhost:5000/pyfrontend", frontend)
    # The short name of this image refers to Docker Hub, which cannot be reached here.
    file.write_text(source.replace('"busybox"', f'"{registry}/library/busybox"'))
    docker(engine, config, "build", "--network", "none", "-t", "greet", "-f", file, folder)
    assert (
        docker(engine, config, "run", "--rm", "--network", "none", "greet")
        == "hello from 1.4-stable\n"
    )
