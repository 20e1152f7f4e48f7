"""The programs in examples/client do what they say; test_grpcio.py has that of grpcio."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.registries import running_strict_registry
from tests.e2e.test_cli_build import docker_host  # noqa: F401 - a fixture
from tests.e2e.test_credentials import ACCOUNTS
from tests.e2e.test_failures import ENDLESS, find_processes
from tests.e2e.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[2] / "examples" / "client"


@pytest.fixture
def run(buildkit_host: str) -> Callable[..., list[str]]:
    """Run an example, and return the lines that it prints."""

    def call(name: str, *arguments: str | Path, **environ: str) -> list[str]:
        process = subprocess.run(
            [sys.executable, EXAMPLES / name, *arguments],
            env={**os.environ, "BUILDKIT_HOST": buildkit_host, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert (process.returncode, process.stderr) == (0, "")
        return process.stdout.splitlines()

    return call


@pytest.mark.feature("N19")
def test_tenants_push_with_their_own_passwords(
    run: Callable[..., list[str]], tmp_path: Path
) -> None:
    accounts = [f"{user}:{password}" for user, password in ACCOUNTS.items()]
    with running_strict_registry(tmp_path / "strict", ACCOUNTS) as host:
        names = run("tenants.py", host, *accounts, DOCKER_CONFIG=str(tmp_path))
    assert names == [f"{host}/{user}/app:1" for user in ACCOUNTS]


@pytest.mark.feature("K24")
def test_a_line_of_the_output_cancels_the_build(
    run: Callable[..., list[str]], tmp_path: Path
) -> None:
    mark = f"example {uuid.uuid4()}"
    dockerfile = f"FROM busybox\nRUN echo fine; echo FATAL; {ENDLESS}; : {mark}\n"
    (tmp_path / "Dockerfile").write_text(dockerfile)
    lines = run("cancel.py", tmp_path, "FATAL")
    assert lines == ["fine", "FATAL", "the build was cancelled"]
    wait_until(lambda: not find_processes(mark))


@pytest.mark.feature("K24")
def test_images_are_built_at_the_same_time(run: Callable[..., list[str]]) -> None:
    digests = run("variants.py", *(f"echo {number} > /number" for number in range(6)))
    assert len(set(digests)) == 6
    assert all(digest.startswith("sha256:") for digest in digests)


@pytest.mark.feature("K24")
def test_a_failed_build_cancels_the_others(run: Callable[..., list[str]]) -> None:
    mark = f"example {uuid.uuid4()}"
    (line,) = run("variants.py", f"{ENDLESS}; : {mark}", "exit 7", f"{ENDLESS}; : {mark}")
    assert line.endswith("exit code: 7; cancelled 2")
    wait_until(lambda: not find_processes(mark))


@pytest.mark.feature("J14")
def test_forked_workers_build_with_the_client_of_their_parent(
    run: Callable[..., list[str]],
) -> None:
    digests = run("workers.py", "4")
    assert len(set(digests)) == 4
    assert all(digest.startswith("sha256:") for digest in digests)


@pytest.mark.feature("K21")
def test_docker_py_has_its_image_and_its_log(
    run: Callable[..., list[str]],
    docker_host: str,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM busybox\nARG VERSION\nRUN --mount=type=cache,target=/c echo version $VERSION\n"
    )
    lines = run("docker_images.py", tmp_path, "example:1", DOCKER_HOST=docker_host)
    assert any(line.endswith(" version 1.0") for line in lines)
    assert lines[-1] == "['example:1']"
