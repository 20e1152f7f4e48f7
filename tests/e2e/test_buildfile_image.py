"""Build files with a ``# syntax=`` line, built with docker, buildctl and llb."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llb import Scratch
from llb.client import Client, local
from llb.errors import SolveError

if TYPE_CHECKING:
    from tests.e2e.conftest import Buildctl

LLB = Path(sys.executable).with_name("llb")
EXAMPLE = Path(__file__).parents[2] / "examples" / "03_buildfile"
STACK = Path(__file__).parents[2] / "dev" / "stack"
SOURCE = """\
# syntax=SYNTAX
import logging

from llb import Scratch, State
from llb.buildfile import Build, target

from ci import said


@target
def tools() -> State:
    '''What is needed.'''
    return Scratch().mkfile("/tools", "tools")


@target
def broken(build: Build) -> State:
    return build.image("busybox").run("exit 3")


@target(default=True)
def app(build: Build, version: str = "1") -> State:
    '''The program.'''
    print("building", version)
    logging.getLogger("app").warning("old")
    return tools().mkfile("/app", f"{said} {version} {build.platform}")
"""


@pytest.fixture
def folder(frontend: str, tmp_path: Path) -> Path:
    """A build context with a build file whose syntax line names the frontend image."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "build.py").write_text(SOURCE.replace("SYNTAX", frontend))
    (folder / "ci.py").write_text("said = 'hi'\n")
    return folder


def llb(folder: Path, buildkit_host: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``llb build build.py`` in the folder."""
    return subprocess.run(
        [LLB, "build", "build.py", "--progress", "plain", *arguments],
        cwd=folder,
        env={"BUILDKIT_HOST": buildkit_host},
        capture_output=True,
        text=True,
        check=False,
    )


def test_llb_builds_a_build_file(folder: Path, buildkit_host: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = llb(folder, buildkit_host, "--build-arg", "version=2", "-o", str(out), "--no-cache")
    assert process.returncode == 0, process.stderr
    assert (out / "app").read_text().startswith("hi 2 linux/")
    assert "[build.py] building 2" in process.stderr
    assert "[build.py] WARNING app: old" in process.stderr


def test_buildctl_builds_a_build_file(folder: Path, buildctl: Buildctl, tmp_path: Path) -> None:
    subprocess.run(
        [
            *(buildctl.program, "--addr", buildctl.address, "build", "--frontend", "dockerfile.v0"),
            *("--opt", "filename=build.py", "--opt", "target=tools"),
            *("--local", f"context={folder}", "--local", f"dockerfile={folder}"),
            *("--output", f"type=local,dest={tmp_path / 'out'}"),
        ],
        capture_output=True,
        check=True,
    )
    assert (tmp_path / "out" / "tools").read_text() == "tools"


def test_a_build_file_on_standard_input_is_recognized(
    folder: Path, buildx: list[str], tmp_path: Path
) -> None:
    subprocess.run(
        [
            *(*buildx, "-f", "-", str(folder)),
            *("--output", f"type=local,dest={tmp_path / 'out'}", "--provenance", "false"),
        ],
        input=(folder / "build.py").read_bytes(),
        capture_output=True,
        check=True,
    )
    assert (tmp_path / "out" / "app").read_text().startswith("hi 1 linux/")


def test_a_failing_step_shows_the_line_of_the_file(folder: Path, buildctl: Buildctl) -> None:
    process = subprocess.run(
        [
            *(buildctl.program, "--addr", buildctl.address, "build", "--frontend", "dockerfile.v0"),
            *("--opt", "filename=build.py", "--opt", "target=broken"),
            *("--local", f"context={folder}", "--local", f"dockerfile={folder}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert "build.py:18\n" in process.stderr
    assert '  18 | >>>     return build.image("busybox").run("exit 3")' in process.stderr


@pytest.fixture
def buildx(buildctl: Buildctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command ``buildx build``, with a builder for the stack's daemon."""
    process = subprocess.run([STACK, "buildx"], check=True, capture_output=True, text=True)
    program = process.stdout.strip()
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path / "buildx"))
    subprocess.run(
        [program, "create", "--name", "test", "--driver", "remote", buildctl.address],
        check=True,
        capture_output=True,
    )
    return [program, "build", "--builder", "test"]


@pytest.fixture
def example(frontend: str, tmp_path: Path) -> Path:
    """A copy of the example; its first line names the frontend image of the tests."""
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "build.py"
    file.write_text(file.read_text().replace("localhost:5000/pyfrontend", frontend))
    return folder


def test_docker_buildx_builds_the_targets_of_the_example_for_two_platforms(
    example: Path, buildx: list[str], tmp_path: Path
) -> None:
    def build(target: str, *output: str) -> None:
        subprocess.run(
            [
                *(*buildx, "-f", str(example / "build.py"), str(example), "--target", target),
                *("--platform", "linux/amd64,linux/arm64", "--provenance", "false", *output),
            ],
            capture_output=True,
            check=True,
        )

    build("check")
    build("package", "--output", f"type=local,dest={tmp_path / 'out'}")
    for architecture in ("amd64", "arm64"):
        with tarfile.open(tmp_path / "out" / f"linux_{architecture}" / "greet-1.4.tar") as tar:
            program = tar.extractfile("greet.sh")
            assert program is not None
            assert program.read() == b'#!/bin/sh\necho "hello from 1.4-stable"\n'
    build("image", "--output", f"type=oci,dest={tmp_path / 'image.tar'}")
    with tarfile.open(tmp_path / "image.tar") as layout:

        def blob(name: str) -> Any:
            file = layout.extractfile(name)
            assert file is not None
            return json.load(file)

        (index,) = blob("index.json")["manifests"]
        manifests = blob(f"blobs/sha256/{index['digest'].partition(':')[2]}")["manifests"]
    platforms = [manifest["platform"]["architecture"] for manifest in manifests]
    assert platforms == ["amd64", "arm64"]


def test_the_page_shows_the_example() -> None:
    page = (EXAMPLE.parents[1] / "docs" / "build-files.md").read_text()
    code, program = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert code == (EXAMPLE / "build.py").read_text()
    assert "build_in_process" in program


def test_the_program_of_the_page_builds_the_example(
    example: Path, buildkit_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (EXAMPLE.parents[1] / "docs" / "build-files.md").read_text()
    (program,) = re.findall(r"```python\n(from llb.client import .*?)```", page, re.DOTALL)
    # Without its first line, the file names no frontend.
    text = (example / "build.py").read_text().partition("\n")[2]
    (example / "build.py").write_text(text)
    monkeypatch.chdir(example)
    monkeypatch.setenv("BUILDKIT_HOST", buildkit_host)
    exec(program, {})


def test_the_page_shows_the_error_of_an_invalid_build_arg(
    example: Path, buildkit_host: str
) -> None:
    page = (EXAMPLE.parents[1] / "docs" / "build-files.md").read_text()
    arguments = ["--target", "package", "--build-arg", "channel=alpha"]
    process = llb(example, buildkit_host, *arguments)
    message = process.stderr[process.stderr.index("error: ") :]
    assert message in page


@pytest.mark.parametrize(
    ("call", "output"),
    [
        (
            "targets",
            (
                "TARGET        DESCRIPTION\ntools         What is needed.\nbroken        \n"
                "app (default) The program.\n"
            ),
        ),
        (
            "outline",
            (
                "TARGET:      app\nDESCRIPTION: The program.\n\n"
                "BUILD ARG   VALUE   DESCRIPTION\nversion     1       \n\n"
            ),
        ),
    ],
)
def test_docker_buildx_prints_targets_and_outline(
    call: str, output: str, folder: Path, buildx: list[str]
) -> None:
    process = subprocess.run(
        [*buildx, "-f", folder / "build.py", folder, "--print", call],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "BUILDX_EXPERIMENTAL": "1"},
    )
    assert process.stdout == output


BAKE = {
    "target": {
        "tools": {"dockerfile": "build.py", "target": "tools"},
        "app": {
            "dockerfile-inline": "FROM scratch\nCOPY --from=tools /tools /got\n",
            "contexts": {"tools": "target:tools"},
        },
    }
}


def test_a_dockerfile_copies_from_a_target_of_a_build_file(
    folder: Path, buildx: list[str], tmp_path: Path
) -> None:
    (folder / "bake.json").write_text(json.dumps(BAKE))
    program, _, *builder = buildx
    out = tmp_path / "out"
    subprocess.run(
        [
            *(program, "bake", *builder, "-f", "bake.json", "app"),
            *("--set", f"app.output=type=local,dest={out}", "--provenance", "false"),
            *("--allow", "fs=*"),
        ],
        cwd=folder,
        capture_output=True,
        check=True,
    )
    assert (out / "got").read_text() == "tools"


def test_sibling_modules_come_from_an_input_of_the_client(
    folder: Path, frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    source = (folder / "build.py").read_text()
    tree = Scratch().mkfile("/build.py", source).mkfile("/ci.py", "said = 'ho'\n")
    with Client(buildkit_host) as client:
        client.solve(
            frontend="gateway.v0",
            frontend_attrs={"source": frontend, "cmdline": frontend, "filename": "build.py"},
            frontend_inputs={"context": tree, "dockerfile": tree},
            exports=[local(tmp_path / "out")],
        )
    assert (tmp_path / "out" / "app").read_text().startswith("ho 1 ")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import os\nos.kill(1, 9)", "os.kill(): a build file cannot start or end processes"),
        ("x = [0] * 10**10", "MemoryError"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("import sys; sys.stdout.buffer.write(b'x')", "no attribute 'buffer'"),
    ],
)
def test_code_that_would_break_the_frontend_is_an_error(
    source: str, message: str, frontend: str, buildkit_host: str, tmp_path: Path
) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "build.py").write_text(source)
    with Client(buildkit_host) as client, pytest.raises(SolveError) as caught:
        client.solve(
            frontend="gateway.v0",
            frontend_attrs={"source": frontend, "filename": "build.py"},
            local_dirs={"context": folder, "dockerfile": folder},
        )
    assert message in caught.value.message
