"""``llb build build.py`` evaluates a build file that names no frontend in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

LLB = Path(sys.executable).with_name("llb")
BUILD = """\
from typing import Annotated

from llb import Scratch, State
from llb.buildfile import Build, target


@target(default=True)
def app(build: Build, version: Annotated[str, "The version"] = "1.0") -> State:
    \"\"\"Build the app.\"\"\"
    print("building", version, build.platform)
    return Scratch().mkfile("/version", f"{version} {build.platform}\\n").env("VERSION", version)


@target
def test(build: Build, token: str = "") -> State:
    return build.image("busybox").run("exit 7")
"""

pytestmark = pytest.mark.e2e


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "build.py").write_text(BUILD)
    return tmp_path


@pytest.fixture
def llb(buildkit_host: str, folder: Path) -> LlbCommand:
    return LlbCommand(buildkit_host, folder)


class LlbCommand:
    """Runs ``llb`` in a folder."""

    def __init__(self, address: str, folder: Path) -> None:
        self.env = {**os.environ, "BUILDKIT_HOST": address}
        self.folder = folder

    def __call__(self, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        process = subprocess.run(
            [LLB, *words],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == status, process.stderr
        return process


def test_a_build_file_takes_build_args_and_labels(llb: LlbCommand, folder: Path) -> None:
    arguments = ["--build-arg", "version=2", "--label", "a=b", "-o", "type=oci,dest=x.tar"]
    process = llb("build", "build.py", *arguments, "--progress", "plain")
    assert "[build.py] building 2 linux/amd64" in process.stderr
    assert process.stdout == ""
    config = image_configs(folder / "x.tar")["linux/amd64"]
    assert config["config"]["Env"] == ["VERSION=2"]
    assert config["config"]["Labels"] == {"a": "b"}


def test_several_platforms_give_an_index(llb: LlbCommand, folder: Path) -> None:
    platforms = "linux/amd64,linux/arm64"
    llb("build", "build.py", "--platform", platforms, "-o", "type=oci,dest=x.tar")
    assert sorted(image_configs(folder / "x.tar")) == ["linux/amd64", "linux/arm64"]


def test_the_inputs_of_a_target_are_listed(llb: LlbCommand) -> None:
    outline = llb("build", "build.py", "--call=outline", "--progress", "none")
    assert outline.stdout == (
        "TARGET:      app\nDESCRIPTION: Build the app.\n\n"
        "BUILD ARG   VALUE   DESCRIPTION\nversion     1.0     The version\n\n"
    )
    targets = llb("build", "build.py", "--call=targets", "--progress", "none")
    assert (
        targets.stdout
        == "TARGET        DESCRIPTION\napp (default) Build the app.\ntest          \n"
    )


def test_a_build_file_is_checked(llb: LlbCommand) -> None:
    process = llb("build", "build.py", "--check", "--progress", "none", status=1)
    assert "WARNING: SecretsUsedInBuildArgs" in process.stdout
    assert "The build arg 'token' of target 'test' sounds like a secret" in process.stdout


def test_a_failing_step_points_at_its_line(llb: LlbCommand) -> None:
    process = llb("build", "build.py", "--target", "test", "--progress", "none", status=1)
    assert "error: build.py:16: " in process.stderr
    assert '>>>     return build.image("busybox").run("exit 7")' in process.stderr


def test_a_missing_frontend_is_an_error_unless_the_file_is_evaluated_here(
    llb: LlbCommand, folder: Path
) -> None:
    (folder / "named.py").write_text(f"# syntax=example.invalid/no/frontend:1\n{BUILD}")
    process = llb("build", "named.py", "-o", "out", status=1)
    assert process.stderr.splitlines()[-1] == (
        "hint: the file names this frontend: make its image with `llb frontend image -t "
        "example.invalid/no/frontend:1 --push`, or evaluate the file in this process, with your "
        "rights: --evaluate-here"
    )
    assert not (folder / "out").exists()
    llb("build", "named.py", "--evaluate-here", "-o", "out")
    assert (folder / "out" / "version").read_text() == "1.0 linux/amd64\n"


def test_the_example_of_convert_works(llb: LlbCommand, folder: Path) -> None:
    (folder / "Dockerfile").write_text(
        "# syntax=docker/dockerfile:1\nFROM scratch AS base\nCOPY a /a\n"
        "FROM base AS release\nENV A=1\nFROM base AS last\nCOPY none /\n"
    )
    (folder / "a").write_text("1\n")
    llb("convert", "Dockerfile", "-o", "converted.py", "--target", "release")
    llb("build", "converted.py", "-o", "out")
    assert (folder / "out" / "a").read_text() == "1\n"


def test_a_file_in_an_archive_is_evaluated_here(llb: LlbCommand, folder: Path) -> None:
    with tarfile.open(folder / "context.tar", "w") as archive:
        archive.add(folder / "build.py", "build.py")
    with (folder / "context.tar").open("rb") as archive_file:
        process = subprocess.run(
            [LLB, "build", "-", "-f", "build.py", "--evaluate-here", "-o", "out"],
            cwd=folder,
            env=llb.env,
            stdin=archive_file,
            capture_output=True,
            text=True,
            check=False,
        )
    assert process.returncode == 0, process.stderr
    assert (folder / "out" / "version").read_text() == "1.0 linux/amd64\n"


def test_options_of_build_files_are_explained_to_scripts(llb: LlbCommand, folder: Path) -> None:
    (folder / "script.py").write_text("from llb import Scratch, main\nmain(Scratch())\n")
    process = llb("build", "script.py", "--platform", "linux/arm64", status=2)
    assert process.stderr.endswith(
        "Error: --platform is for Dockerfiles and build files, not for the script script.py\n"
        "hint: a build file takes it: replace llb.main(state) by a function that returns the "
        "state, and mark it with @target from llb.buildfile\n"
    )


def image_configs(archive: Path) -> dict[str, dict[str, dict[str, object]]]:
    """Read the configs of the images in an OCI archive, by platform."""
    with tarfile.open(archive) as layout:

        def read(name: str) -> dict[str, list[dict[str, str]]]:
            member = layout.extractfile(name)
            assert member is not None
            value: dict[str, list[dict[str, str]]] = json.load(member)
            return value

        def blob(entry: dict[str, str]) -> str:
            return f"blobs/sha256/{entry['digest'].removeprefix('sha256:')}"

        manifests = read("index.json")["manifests"]
        if "index" in manifests[0]["mediaType"]:
            manifests = read(blob(manifests[0]))["manifests"]
        configs = {}
        for manifest in manifests:
            if "vnd.docker.reference.type" in manifest.get("annotations", ""):
                # The provenance of an image.
                continue
            config: dict[str, object] = dict(read(blob(read(blob(manifest))["config"])))  # type: ignore[arg-type]
            configs[f"{config['os']}/{config['architecture']}"] = config
        return configs  # type: ignore[return-value]
