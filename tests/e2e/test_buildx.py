"""``docker buildx build``, ``buildctl build`` and ``llb build``, side by side."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import STACK
from tests.e2e.test_cli_flags import COMMANDS, HELP, OPTION, tables
from tests.e2e.test_failures import cli

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Buildctl

PROGRAM = "docker buildx"
DOCKERFILE = """\
FROM busybox AS made
ARG WORD=none
RUN echo $WORD > /word && mkdir -p /deep/er && ln -s /word /deep/er/link
FROM busybox
COPY --from=made /word /deep /out/
COPY --chmod=640 given /out/
ENV A=b
LABEL c=d
ENTRYPOINT ["cat", "/out/word"]
"""


@pytest.fixture(scope="session")
def buildx(stack: dict[str, str]) -> str:
    """The program of Debian's package."""
    assert stack
    done = subprocess.run([STACK, "buildx"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.feature("K18")
def test_the_same_dockerfile_is_the_same_image(
    buildx: str, buildctl: Buildctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path / "buildx"))
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "given").write_text("x")
    output = "type=oci,rewrite-timestamp=true,name=example.com/one:latest,dest"

    def arguments(name: str) -> list[str]:
        beside = ["--no-cache", "--metadata-file", f"{tmp_path}/{name}.json"]
        return [*beside, "--output", f"{output}={tmp_path}/{name}.tar"]

    given = ["--build-arg", "WORD=given", *arguments("llb")]
    done = cli("build", folder, *given, address=buildctl.address)
    assert done.returncode == 0, done.stderr
    frontend = ["--frontend", "dockerfile.v0", "--opt", "build-arg:WORD=given"]
    places = [f"--local={name}={folder}" for name in ("context", "dockerfile")]
    buildctl("build", *frontend, *places, *arguments("buildctl"))
    create = ["create", "--name", "stack", "--driver", "remote", buildctl.address]
    subprocess.run([buildx, *create], check=True, capture_output=True)
    command = ["build", str(folder), "--builder", "stack", "--build-arg", "WORD=given"]
    # It adds provenance of its own accord, with the times of the build in it.
    subprocess.run(
        [buildx, *command, "--provenance", "false", *arguments("buildx")],
        check=True,
        capture_output=True,
    )
    digests = {
        name: json.loads((tmp_path / f"{name}.json").read_text())["containerimage.digest"]
        for name in ("llb", "buildctl", "buildx")
    }
    assert len(set(digests.values())) == 1, digests


def helped(buildx: str, *words: str) -> str:
    command = [buildx, *words, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.feature("P4")
def test_the_page_of_flags_has_the_commands_of_buildx(buildx: str) -> None:
    _, told = helped(buildx).split("Available Commands:\n")
    names = {line.split()[0] for line in told.split("\n\n")[0].splitlines()}
    assert "build" in names
    assert names <= {word.split()[0] for word in COMMANDS.column(1)}


@pytest.mark.feature("P4")
@pytest.mark.parametrize("words", ["build", "du", "prune"])
def test_the_page_of_flags_has_the_options_of_buildx(words: str, buildx: str) -> None:
    told = [line.strip() for line in helped(buildx, words).splitlines()]
    names = {
        name
        for line in told
        if line.startswith("-")
        for name in OPTION.findall(re.split(r"\s{2,}", line)[0])
    }
    tables_of_it = [each for each in tables() if each.buildx in (PROGRAM, f"{PROGRAM} {words}")]
    assert "--builder" in names
    assert names - HELP <= {name for each in tables_of_it for name in each.column(1)}
