"""The first example, built with buildctl and llb: all produce the same files."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Buildctl

ROOT = Path(__file__).parents[2]
EXAMPLE = "examples/01_hello.py"
FILES = {"bin/busybox", "greeting.txt", "words.txt"}


def llb(
    *arguments: str | Path, address: str, stdin: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    process = subprocess.run(
        [sys.executable, "-m", "llb", *arguments, "--addr", address],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr.decode()
    return process


def run_example() -> bytes:
    return subprocess.run(
        [sys.executable, EXAMPLE], cwd=ROOT, capture_output=True, check=True
    ).stdout


def read_tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_buildctl_builds_the_definition(buildctl: Buildctl, tmp_path: Path) -> None:
    process = subprocess.run(
        [
            *(buildctl.program, "--addr", buildctl.address, "build", "--local", "context=."),
            *("--output", f"type=local,dest={tmp_path / 'out'}"),
        ],
        cwd=ROOT,
        input=run_example(),
        capture_output=True,
        check=True,
    )
    assert process.stdout == b""
    files = read_tree(tmp_path / "out")
    assert set(files) == FILES
    assert files["greeting.txt"] == b"hello from LLB\n"


@pytest.mark.feature("P1")
@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("[0-9][0-9]_*.py")))
def test_every_example_is_built(path: Path, buildkit_host: str, tmp_path: Path) -> None:
    llb("build", path, "--local", "context=.", "-o", tmp_path / "out", address=buildkit_host)
    assert any((tmp_path / "out").iterdir())


@pytest.mark.feature("K1")
@pytest.mark.parametrize("fixture", ["buildkit_host", "buildkit_tcp"])
def test_llb_and_buildctl_build_the_same_files(
    fixture: str, request: pytest.FixtureRequest, buildctl: Buildctl, tmp_path: Path
) -> None:
    process = subprocess.run(
        [
            *(buildctl.program, "--addr", buildctl.address, "build", "--local", "context=."),
            *("--output", f"type=local,dest={tmp_path / 'theirs'}"),
        ],
        cwd=ROOT,
        input=run_example(),
        capture_output=True,
        check=True,
    )
    assert process.returncode == 0
    llb("build", EXAMPLE, "-o", tmp_path / "ours", address=request.getfixturevalue(fixture))
    assert read_tree(tmp_path / "ours") == read_tree(tmp_path / "theirs")


@pytest.mark.feature("P1")
def test_a_definition_on_standard_input_is_built(buildkit_host: str, tmp_path: Path) -> None:
    llb(
        *("build", "-", "--local", "context=.", "-o", tmp_path / "out"),
        address=buildkit_host,
        stdin=run_example(),
    )
    assert set(read_tree(tmp_path / "out")) == FILES


@pytest.mark.feature("L13")
def test_a_tar_archive_is_written_to_standard_output(buildkit_host: str, tmp_path: Path) -> None:
    process = llb("build", EXAMPLE, "-o", "-", "--progress", "quiet", address=buildkit_host)
    archive = tmp_path / "out.tar"
    archive.write_bytes(process.stdout)
    with tarfile.open(archive) as tar:
        assert {member.name for member in tar if member.isfile()} == FILES


@pytest.mark.feature("K1", "L1", "L9")
def test_the_image_has_the_config_of_the_state(buildkit_host: str, tmp_path: Path) -> None:
    metadata = tmp_path / "metadata.json"
    llb(
        *("build", EXAMPLE, "-o", f"type=oci,dest={tmp_path / 'image.tar'}"),
        *("--metadata-file", metadata),
        address=buildkit_host,
    )
    config, digest = read_image(tmp_path / "image.tar")
    assert json.loads(metadata.read_text())["containerimage.digest"] == digest
    assert config["config"] == {
        "Entrypoint": ["/bin/busybox", "cat"],
        "Cmd": ["/greeting.txt"],
        "WorkingDir": "/",
        "Labels": {"org.opencontainers.image.title": "hello"},
    }
    assert len(config["rootfs"]["diff_ids"]) == 3


def read_image(archive: Path) -> tuple[dict[str, Any], str]:
    """Read the config and the manifest digest of the only image in an OCI archive."""
    with tarfile.open(archive) as tar:

        def read(name: str) -> dict[str, Any]:
            file = tar.extractfile(name)
            assert file is not None
            content: dict[str, Any] = json.load(file)
            return content

        digest = read("index.json")["manifests"][0]["digest"]
        manifest = read(f"blobs/{digest.replace(':', '/')}")
        return read(f"blobs/{manifest['config']['digest'].replace(':', '/')}"), digest


def test_the_graph_is_drawn_without_a_daemon(tmp_path: Path) -> None:
    def run(*arguments: str | Path) -> str:
        return subprocess.run(
            [sys.executable, "-m", "llb", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": "/usr/bin:/bin", "BUILDKIT_HOST": "unix:///nonexistent"},
        ).stdout

    assert run("graph", EXAMPLE).startswith(
        "#9 copy /bin/busybox /bin/  (examples/01_hello.py:36)\n"
    )
    assert run("graph", EXAMPLE, "--format", "dot").startswith("digraph llb {\n")
    assert "exec.meta.args" in run("dump", EXAMPLE)
    (tmp_path / "build.pb").write_bytes(run_example())
    assert run("graph", tmp_path / "build.pb") == run("graph", EXAMPLE)
