"""The builds in examples/builds: build files with the results of their Dockerfiles.

The compilers are those of this machine, in images of the stack, under the names of the images that
the examples use.
"""

from __future__ import annotations

import ast
import hashlib
import re
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llb import Image, Local, Platform, Scratch, State
from llb.client import Client, oci, tar
from llb.errors import SolveError
from tests.e2e.test_example import read_image
from tests.e2e.test_recipes import UV, debian_with_node
from tests.e2e.test_recipes_compiled import read_path

if TYPE_CHECKING:
    from collections.abc import Iterator

# Compilers are slow on a busy machine.
pytestmark = pytest.mark.timeout(900)
BUILDS = Path(__file__).parents[2] / "examples" / "builds"
NAMES = ("go_service", "node_site", "python_service")
MOST_LINES = 1.3
PYTHON = Image("python:3.13-slim")


@pytest.fixture
def client(buildkit_host: str) -> Iterator[Client]:
    with Client(buildkit_host) as client:
        yield client


def debian_with_go() -> State:
    toolchain = Local("go", include=["bin", "pkg", "src", "VERSION"], exclude=["**/testdata"])
    state = PYTHON.copy(toolchain, "/usr/local/go/").env("GOTOOLCHAIN", "local")
    return state.env("PATH", "/usr/local/go/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin")


def build(client: Client, name: str, file: str, *exports: Any, **options: Any) -> None:
    """Build one of the examples."""
    contexts = {
        "golang:1.26": debian_with_go(),
        "node:24-alpine": debian_with_node(),
        "nginx:alpine": Image("busybox").mkdir("/etc/nginx/conf.d", parents=True).cmd(["nginx"]),
        "ghcr.io/astral-sh/uv:0.9": Scratch().copy(Local("uv", include=["uv"]), "/"),
    }
    folders = {"usr": Path("/usr"), "uv": UV.parent}
    if name == "go_service":
        folders["go"] = read_path("go", "env", "GOROOT")
    client.build_image(
        BUILDS / name,
        file=BUILDS / name / file,
        contexts=contexts,
        local_dirs=folders,
        outputs=exports,
        **options,
    )


def read_tree(archive: Path) -> dict[str, Any]:
    """Read the files of a result, with all that a Dockerfile determines."""
    tree: dict[str, Any] = {}
    with tarfile.open(archive) as opened:
        for member in opened:
            data = opened.extractfile(member) if member.isfile() else None
            digest = hashlib.sha256(data.read()).hexdigest() if data else ""
            tree[member.name] = (
                *(member.type, oct(member.mode), member.uid, member.gid, member.linkname),
                digest,
            )
    return tree


def read_config(archive: Path) -> dict[str, Any]:
    """Read the image config that is used to run containers."""
    config: dict[str, Any] = read_image(archive)[0]["config"]
    # An old mark of Docker's, which Dockerfiles still set.
    config.pop("ArgsEscaped", None)
    return config


def lines_of(build_file: str) -> int:
    """Count the lines of a build file without comments, docstrings and empty lines."""
    nodes = [
        node
        for node in ast.walk(ast.parse(build_file))
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node)
    ]
    docstrings = {
        line
        for node in nodes
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in docstrings
        for number, line in enumerate(build_file.splitlines(), 1)
    )


@pytest.mark.go
@pytest.mark.parametrize("name", NAMES)
def test_a_build_file_has_the_result_of_its_dockerfile(
    client: Client, name: str, tmp_path: Path
) -> None:
    trees, configs = [], []
    for file in ("Dockerfile", "build.py"):
        archives = tmp_path / f"{file}.tar", tmp_path / f"{file}.oci"
        build(client, name, file, tar(archives[0]), oci(archives[1]))
        trees.append(read_tree(archives[0]))
        configs.append(read_config(archives[1]))
    assert trees[0] == trees[1]
    assert configs[0] == configs[1]


@pytest.mark.go
def test_a_program_is_compiled_for_each_platform(client: Client, tmp_path: Path) -> None:
    platforms = [Platform.parse("linux/amd64"), Platform.parse("linux/arm64")]
    archive = tmp_path / "out.tar"
    build(client, "go_service", "build.py", tar(archive), platforms=platforms)
    with tarfile.open(archive) as opened:
        # The machine, in the header of an ELF file: x86-64 and AArch64.
        machines = {
            member.name: opened.extractfile(member).read(20)[18]  # type: ignore[union-attr]
            for member in opened
            if member.isfile()
        }
    assert machines == {"linux_amd64/app": 62, "linux_arm64/app": 183}


@pytest.mark.parametrize("file", ["Dockerfile", "build.py"])
def test_an_image_is_not_built_if_its_tests_fail(client: Client, file: str, tmp_path: Path) -> None:
    for path in (BUILDS / "python_service").rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(BUILDS / "python_service")
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (tmp_path / "app" / "__init__.py").write_text("def count(text):\n    return 0\n")
    with pytest.raises(SolveError) as caught:
        build(client, str(tmp_path), file)
    assert "FAILED (failures=1)" in "\n".join(caught.value.log)


@pytest.mark.parametrize("name", NAMES)
def test_a_build_file_is_about_as_long_as_its_dockerfile(name: str) -> None:
    dockerfile = (BUILDS / name / "Dockerfile").read_text().splitlines()
    lines = [line for line in dockerfile if line.strip() and not line.startswith("#")]
    count = lines_of((BUILDS / name / "build.py").read_text())
    assert count <= MOST_LINES * len(lines)
    row = rf"\(\.\./examples/builds/{name}/build\.py\).* \| {len(lines)} \| {count} \|\n"
    assert re.search(row, (BUILDS.parents[1] / "docs" / "build-files.md").read_text())
