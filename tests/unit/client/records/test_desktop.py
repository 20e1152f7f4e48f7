"""Bundles are imported into Docker Desktop, over its socket."""

from __future__ import annotations

import io
import socket
import threading
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from llb.cli import cli
from llb.client.records import desktop
from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

BUNDLE = b"bundle" * 50_000
URL = "docker-desktop://dashboard/build/.imported/_/"


@contextmanager
def build_server(path: Path, answer: bytes) -> Iterator[list[bytes]]:
    """Answer one upload on a socket; yield what it received."""
    received: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                data = b""
                while not data.endswith(b"0\r\n\r\n"):
                    data += connection.recv(2**16)
                received.append(data)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield received
        finally:
            thread.join()


def answer(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_a_bundle_is_sent_and_its_builds_have_urls(tmp_path: Path) -> None:
    path = tmp_path / "build.sock"
    with build_server(path, answer("200 OK", b'["one", "two"]')) as received:
        urls = desktop.import_bundle(io.BytesIO(BUNDLE), f"unix://{path}")
    assert urls == (f"{URL}one", f"{URL}two")
    assert received[0].startswith(b"POST /upload HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        ("500 Error", b"no\nbundle", "Docker Desktop refuses the file: no bundle"),
        ("404 Not Found", b"", "Docker Desktop refuses the file: status 404"),
        ("200 OK", b"nonsense", "the answer of Docker Desktop is not JSON"),
        ("200 OK", b"{}", "the answer of Docker Desktop is not a list of builds"),
        ("200 OK", b"[]", "the file contains no builds"),
    ],
)
def test_a_refused_bundle_is_an_error(
    tmp_path: Path, status: str, body: bytes, message: str
) -> None:
    path = tmp_path / "build.sock"
    with build_server(path, answer(status, body)), pytest.raises(InputError) as caught:
        desktop.import_bundle(io.BytesIO(BUNDLE), f"unix://{path}")
    assert caught.value.message == message


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot reach Docker Desktop") as caught:
        desktop.import_bundle(io.BytesIO(b""), f"unix://{tmp_path}/none.sock")
    assert caught.value.hint == "start Docker Desktop; it alone can import builds"


@pytest.mark.parametrize("environ", [{"WSL_DISTRO_NAME": "x"}, {}])
def test_systems_without_a_build_server_are_named(environ: dict[str, str]) -> None:
    with pytest.raises(InputError, match="has no build server here"):
        desktop.server_address(environ, "linux" if environ else "plan9")


def test_the_command_prints_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bundle").write_bytes(BUNDLE)
    monkeypatch.delenv("WSL_DISTRO_NAME", raising=False)
    # The path of a socket has at most 108 bytes.
    with TemporaryDirectory() as home:
        monkeypatch.setenv("HOME", home)
        path = Path(desktop.server_address(system="linux").removeprefix("unix://"))
        path.parent.mkdir(parents=True)
        with build_server(path, answer("200 OK", b'["one"]')):
            result = CliRunner().invoke(cli, ["history", "import", "-f", str(tmp_path / "bundle")])
    assert (result.exit_code, result.stderr) == (0, f"{URL}one\n")


def test_a_missing_file_is_an_error() -> None:
    result = CliRunner().invoke(cli, ["history", "import", "-f", "/nowhere"])
    assert str(result.exception) == "cannot read /nowhere: No such file or directory"
