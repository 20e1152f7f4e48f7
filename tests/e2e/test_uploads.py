"""Uploads: files of the client that a build reads by URL."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from llb import HTTP
from llb.client import Client, Upload, local
from llb.errors import InputError, SolveError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

LARGE = bytes(range(256)) * 40_000


def make_archive(**files: bytes) -> bytes:
    """Build a tar archive from files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


CONTEXT = make_archive(Dockerfile=b"FROM scratch\nCOPY large /\n", large=LARGE)


@pytest.mark.feature("N17")
@pytest.mark.parametrize("kind", ["bytes", "file", "stream"])
def test_an_archive_is_the_context_of_a_dockerfile(
    buildkit_host: str, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "context.tar").write_bytes(CONTEXT)
    contents: dict[str, bytes | Path | BinaryIO] = {
        "bytes": CONTEXT,
        "file": tmp_path / "context.tar",
        "stream": io.BytesIO(CONTEXT),
    }
    upload = Upload(contents[kind])
    with Client(buildkit_host) as client:
        client.solve(
            frontend="dockerfile.v0",
            frontend_attrs={"context": upload.url},
            uploads=[upload],
            exports=[local(tmp_path / "out")],
        )
    assert (tmp_path / "out" / "large").read_bytes() == LARGE


@pytest.mark.feature("N17")
def test_an_upload_is_a_source_of_a_state(buildkit_host: str, tmp_path: Path) -> None:
    uploads = [Upload(b"1"), Upload(b"2")]
    with Client(buildkit_host) as client:
        for number, upload in enumerate(uploads, 1):
            out = tmp_path / str(number)
            state = HTTP(upload.url, filename="file")
            client.solve(state, uploads=uploads, exports=[local(out)])
            assert (out / "file").read_text() == str(number)


@pytest.mark.feature("N17")
def test_an_unknown_upload_is_named(buildkit_host: str, tmp_path: Path) -> None:
    upload = Upload(b"1")
    with (
        Client(buildkit_host) as client,
        pytest.raises(SolveError, match=f"unknown upload /{upload.url[-32:]}"),
    ):
        client.solve(HTTP(upload.url, filename="file"), exports=[local(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


@pytest.mark.feature("N17")
def test_an_unreadable_upload_is_an_error(buildkit_host: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot upload .*/none: no such file"):
        Upload(tmp_path / "none")
    file = (tmp_path / "file").open("wb")
    upload = Upload(file)
    with (
        file,
        Client(buildkit_host) as client,
        pytest.raises(InputError, match=r"cannot read the upload: (not readable|read)"),
    ):
        client.solve(
            HTTP(upload.url, filename="a"), uploads=[upload], exports=[local(tmp_path / "out")]
        )
    assert not (tmp_path / "out").exists()


def run(*arguments: str, data: bytes, address: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "llb", "build", *arguments, "--addr", address]
    return subprocess.run(command, input=data, capture_output=True, check=False)


@pytest.mark.feature("N17")
@pytest.mark.parametrize(
    ("data", "arguments"),
    [
        (CONTEXT, ["--frontend", "dockerfile.v0"]),
        (CONTEXT, []),
        (gzip.compress(CONTEXT), []),
        (make_archive(other=b"FROM scratch\nCOPY large /\n", large=LARGE), ["-f", "other"]),
    ],
    ids=["its Dockerfile", "no option", "compressed", "another file of it"],
)
def test_the_command_line_takes_an_archive_on_standard_input(
    buildkit_host: str, tmp_path: Path, data: bytes, arguments: list[str]
) -> None:
    out = tmp_path / "out"
    process = run("-", *arguments, "-o", str(out), data=data, address=buildkit_host)
    assert process.returncode == 0, process.stderr.decode()
    assert (out / "large").read_bytes() == LARGE


@pytest.mark.feature("N17")
@pytest.mark.parametrize("options", [["--frontend", "dockerfile.v0"], []], ids=["frontend", "none"])
def test_a_dockerfile_alone_may_come_on_standard_input(
    buildkit_host: str, tmp_path: Path, options: list[str]
) -> None:
    out = tmp_path / "out"
    data = b"FROM busybox AS made\nRUN echo 1 > /a\nFROM scratch\nCOPY --from=made /a /\n"
    process = run("-", *options, "-o", str(out), data=data, address=buildkit_host)
    assert process.returncode == 0, process.stderr.decode()
    assert (out / "a").read_text() == "1\n"


@pytest.mark.feature("N17")
def test_standard_input_cannot_be_context_and_dockerfile(buildkit_host: str) -> None:
    process = run("-", "-f", "-", data=b"FROM scratch\n", address=buildkit_host)
    assert process.returncode == 2
    assert b"standard input cannot be both the build context and the Dockerfile" in process.stderr
