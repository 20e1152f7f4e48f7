"""The builds in examples/builds: build files with the results of their Dockerfiles.

The compilers are those of this machine, in images of the stack, under the names of the images that
the examples use.
"""

from __future__ import annotations

import ast
import hashlib
import re
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from llb import Platform
from llb.client import Client, oci, tar
from llb.errors import SolveError
from tests.e2e.example_builds import BUILDS, build, client, copy_example
from tests.e2e.test_example import read_image

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["client"]
# Compilers are slow on a busy machine.
pytestmark = pytest.mark.timeout(900)
NAMES = ("go_service", "node_site", "python_service")
MOST_LINES = 1.3


def read_tree(archive: Path) -> dict[str, Any]:
    """Read the files of a result, with all that a Dockerfile determines."""
    tree: dict[str, Any] = {}
    with tarfile.open(archive) as opened:
        for member in opened:
            # Python does not write the same bytecode twice: marks in it depend on reference counts.
            is_compared = member.isfile() and not member.name.endswith(".pyc")
            data = opened.extractfile(member) if is_compared else None
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
        build(client, name, tar(archives[0]), oci(archives[1]), file=file)
        trees.append(read_tree(archives[0]))
        configs.append(read_config(archives[1]))
    assert trees[0] == trees[1]
    assert configs[0] == configs[1]


@pytest.mark.go
def test_a_program_is_compiled_for_each_platform(client: Client, tmp_path: Path) -> None:
    platforms = [Platform.parse("linux/amd64"), Platform.parse("linux/arm64")]
    archive = tmp_path / "out.tar"
    build(client, "go_service", tar(archive), platforms=platforms)
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
    copy_example("python_service", tmp_path)
    (tmp_path / "app" / "__init__.py").write_text("def count(text):\n    return 0\n")
    with pytest.raises(SolveError) as caught:
        build(client, tmp_path, file=file)
    assert "FAILED (failures=1)" in "\n".join(caught.value.log)


@pytest.mark.parametrize("name", NAMES)
def test_a_build_file_is_about_as_long_as_its_dockerfile(name: str) -> None:
    dockerfile = (BUILDS / name / "Dockerfile").read_text().splitlines()
    lines = [line for line in dockerfile if line.strip() and not line.startswith("#")]
    count = lines_of((BUILDS / name / "build.py").read_text())
    assert count <= MOST_LINES * len(lines)
    row = rf"\(\.\./examples/builds/{name}/build\.py\).* \| {len(lines)} \| {count} \|\n"
    assert re.search(row, (BUILDS.parents[1] / "docs" / "build-files.md").read_text())
