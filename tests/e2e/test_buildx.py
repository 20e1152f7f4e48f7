"""``docker buildx build``, ``buildctl build`` and ``llb build`` compared."""

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
    """The path of buildx."""
    assert stack
    process = subprocess.run([STACK, "buildx"], check=True, capture_output=True, text=True)
    return process.stdout.strip()


@pytest.mark.feature("K18")
def test_the_same_dockerfile_gives_the_same_image(
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
        common = ["--no-cache", "--metadata-file", f"{tmp_path}/{name}.json"]
        return [*common, "--output", f"{output}={tmp_path}/{name}.tar"]

    options = ["--build-arg", "WORD=given", *arguments("llb")]
    process = cli("build", folder, *options, address=buildctl.address)
    assert process.returncode == 0, process.stderr
    frontend = ["--frontend", "dockerfile.v0", "--opt", "build-arg:WORD=given"]
    local_options = [f"--local={name}={folder}" for name in ("context", "dockerfile")]
    buildctl("build", *frontend, *local_options, *arguments("buildctl"))
    create = ["create", "--name", "stack", "--driver", "remote", buildctl.address]
    subprocess.run([buildx, *create], check=True, capture_output=True)
    command = ["build", str(folder), "--builder", "stack", "--build-arg", "WORD=given"]
    # Buildx adds provenance by default, and provenance contains the times of the build.
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


@pytest.mark.feature("P4")
def test_the_attachments_of_a_build_are_printed_as_by_buildx(
    buildx: str, buildctl: Buildctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path / "buildx"))
    create = ["create", "--name", "stack", "--driver", "remote", buildctl.address]
    subprocess.run([buildx, *create], check=True, capture_output=True)
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    options = ("-o", "type=image", "--ref-file", tmp_path / "ref")
    built = cli("build", context, *options, address=buildctl.address)
    assert built.returncode == 0, built.stderr
    ref = (tmp_path / "ref").read_text()
    for selection in ("--type=provenance", "--type=index", "--platform=linux/amd64"):
        command = ["history", "inspect", "attachment", selection, ref]
        theirs = subprocess.run(
            [buildx, "--builder", "stack", *command], capture_output=True, text=True, check=False
        )
        ours = cli(*command, address=buildctl.address)
        assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout), selection
        assert json.loads(ours.stdout), selection
    assert (
        cli("history", "attachment", "--type=sbom", ref, address=buildctl.address).returncode == 1
    )


def read_help(buildx: str, *words: str) -> str:
    command = [buildx, *words, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.feature("P4")
def test_the_page_of_flags_has_the_commands_of_buildx(buildx: str) -> None:
    _, commands = read_help(buildx).split("Available Commands:\n")
    names = {line.split()[0] for line in commands.split("\n\n")[0].splitlines()}
    assert "build" in names
    assert names <= {word.split()[0] for word in COMMANDS.column(1)}


@pytest.mark.feature("P4")
@pytest.mark.parametrize("words", ["build", "du", "prune"])
def test_the_page_of_flags_has_the_options_of_buildx(words: str, buildx: str) -> None:
    lines = [line.strip() for line in read_help(buildx, words).splitlines()]
    names = {
        name
        for line in lines
        if line.startswith("-")
        for name in OPTION.findall(re.split(r"\s{2,}", line)[0])
    }
    matching = [table for table in tables() if table.buildx in (PROGRAM, f"{PROGRAM} {words}")]
    assert "--builder" in names
    assert names - HELP <= {name for table in matching for name in table.column(1)}
