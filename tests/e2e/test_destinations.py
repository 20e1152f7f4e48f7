"""Destinations of exports: pipes and devices are written, only regular files are replaced."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest

LLB = Path(sys.executable).with_name("llb")
KINDS = ["tar", "oci", "docker"]


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    return folder


def build(
    address: str, context: Path, *arguments: str, output: int = subprocess.DEVNULL
) -> subprocess.CompletedProcess[str]:
    process = subprocess.run(
        [LLB, "build", context, "--addr", address, *arguments],
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process


def read_member_names(data: bytes) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return set(archive.getnames())


def expected_member(kind: str) -> str:
    return "Dockerfile" if kind == "tar" else "oci-layout"


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_goes_through_a_named_pipe(
    context: Path, tmp_path: Path, buildkit_host: str, kind: str
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    build(buildkit_host, context, "-o", f"type={kind},dest={pipe}")
    reader.join()
    assert expected_member(kind) in read_member_names(read[0])
    assert pipe.is_fifo()


def test_a_failed_build_closes_its_output_pipe(
    context: Path, tmp_path: Path, buildkit_host: str
) -> None:
    (context / "Dockerfile").write_text("FROM busybox\nRUN exit 7\n")
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        arguments = ["--addr", buildkit_host, "-o", f"type=tar,dest={tmp_path}/pipe"]
        # If the reader has not opened the pipe yet, the next build ends it.
        while reader.poll() is None:
            process = subprocess.run([LLB, "build", context, *arguments], check=False)
            assert process.returncode == 1
        assert reader.stdout is not None
        assert reader.stdout.read() == b""


@pytest.mark.parametrize("kind", KINDS)
def test_a_device_is_written_and_not_replaced(
    context: Path, tmp_path: Path, buildkit_host: str, kind: str
) -> None:
    null = tmp_path / "null"
    os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    # Only an image has a digest.
    iidfile = () if kind == "tar" else ("--iidfile", str(null))
    build(
        *(buildkit_host, context, "-o", f"type={kind},dest={null}", *iidfile),
        *("--ref-file", str(null), "--metadata-file", str(null)),
    )
    assert null.is_char_device()
    assert {path.name for path in tmp_path.iterdir()} == {"context", "null"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_is_kept_and_its_target_is_replaced(
    context: Path, tmp_path: Path, buildkit_host: str, kind: str
) -> None:
    target, link = tmp_path / "target.tar", tmp_path / "link.tar"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to("target.tar")
    build(buildkit_host, context, "-o", f"type={kind},dest={link}")
    assert link.readlink() == Path("target.tar")
    assert expected_member(kind) in read_member_names(target.read_bytes())
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_can_be_named_by_its_path(
    context: Path, tmp_path: Path, buildkit_host: str, name: str
) -> None:
    archive = tmp_path / "archive.tar"
    with archive.open("wb") as output:
        build(buildkit_host, context, "-o", f"type=tar,dest={name}", output=output.fileno())
    assert read_member_names(archive.read_bytes()) == {"Dockerfile"}


@pytest.mark.parametrize("option", ["--iidfile", "--metadata-file", "--ref-file"])
def test_metadata_is_appended_to_standard_output(
    context: Path, tmp_path: Path, buildkit_host: str, option: str
) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    with log.open("a") as output:
        build(
            *(buildkit_host, context, "-t", "localhost/test:destinations", option, "/dev/stdout"),
            output=output.fileno(),
        )
    first, appended = log.read_text().split("\n", 1)
    assert first == "before"
    if option == "--metadata-file":
        assert json.loads(appended)["containerimage.digest"].startswith("sha256:")
    else:
        assert len(appended.removeprefix("sha256:").strip()) in (32, 64)
