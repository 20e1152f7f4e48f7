"""Packages for the examples: downloaded once to the state of the stack, and served on the loopback.

Builds in tests download nothing from the Internet.
"""

from __future__ import annotations

import base64
import hashlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from attrs import frozen

from tests.e2e.toolchains import UV, find_program
from tests.e2e.waiting import PATIENCE, wait_until
from tests.http_server import http_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

USER, PASSWORD = "reader", "pa55word"
_WHEELS = (
    *("--only-binary=:all:", "--python-version=3.13"),
    f"--platform=manylinux2014_{platform.machine()}",
)


def python_wheels(state: Path, lock: Path) -> Path:
    """Download the wheels of a uv.lock, or of a requirements file with hashes."""

    def download(folder: Path) -> None:
        requirements = lock
        if lock.name == "uv.lock":
            requirements = folder / "requirements.txt"
            _run(
                *(UV, "export", "-q", "--frozen", "--all-extras", "--no-emit-workspace"),
                *("--project", lock.parent, "-o", requirements, "--python", sys.executable),
            )
        _run(
            *(sys.executable, "-m", "pip", "download", "-q", "--require-hashes", "--no-deps"),
            *(*_WHEELS, "-d", folder, "-r", requirements),
        )

    return _once(state, lock, download)


def npm_packages(state: Path, lock: Path) -> Path:
    """Download the packages of a package-lock.json, at their paths in the registry."""

    def download(folder: Path) -> None:
        text = lock.read_text()
        for path, name in re.findall(r'"resolved": "https://[^/]+/((.+)/-/[^"]+)"', text):
            version = Path(path).stem.removeprefix(f"{name.rpartition('/')[2]}-")
            target = folder / path
            target.parent.mkdir(parents=True)
            _run(
                *(find_program("npm"), "pack", "--silent", f"{name}@{version}"),
                *("--pack-destination", target.parent),
            )
            (packed,) = target.parent.iterdir()
            packed.rename(target)

    return _once(state, lock, download)


def cargo_crates(state: Path, lock: Path) -> Path:
    """Download the crates of a Cargo.lock, as a directory that replaces the registry."""

    def download(folder: Path) -> None:
        manifest = lock.with_name("Cargo.toml")
        _run(find_program("cargo"), "vendor", "--locked", "--manifest-path", manifest, folder)

    return _once(state, lock, download)


def maven_repository(state: Path, pom: Path) -> Path:
    """Download what the build of a project needs, as a Maven repository."""

    def download(folder: Path) -> None:
        project = folder / "project"
        shutil.copytree(pom.parent, project)
        local = f"-Dmaven.repo.local={folder}/repository"
        _run(find_program("mvn"), "-q", "-B", local, "-f", project, "verify")
        # With these files Maven remembers where artifacts came from.
        for path in folder.rglob("_remote.repositories"):
            path.unlink()

    return _once(state, pom, download) / "repository"


def _once(state: Path, lock: Path, download: Callable[[Path], None]) -> Path:
    """Download to a folder named after the project and the content of its lock file."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    folder = state / "cookbook" / f"{lock.parent.name}-{digest}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            target = Path(scratch, "packages")
            target.mkdir()
            download(target)
            target.rename(folder)
    return folder


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


@frozen
class PackageServer:
    """A server on the loopback, and the paths that were requested."""

    url: str
    requested: list[str]


@contextmanager
def serving(files: Mapping[str, Path | bytes], *, password: str = "") -> Iterator[PackageServer]:
    """Serve files by their paths, and the wheels among them as an index at ``/simple``.

    With a ``password``, requests of anyone but :data:`USER` are refused.
    """
    requested: list[str] = []
    token = base64.b64encode(f"{USER}:{password}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested.append(self.path)
            content = files.get(self.path)
            if password and self.headers["Authorization"] != f"Basic {token}":
                self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="packages"'})
            elif self.path.startswith("/simple/"):
                links = _links(files, self.path.split("/")[2])
                self._answer(200 if links else 404, links, {"Content-Type": "text/html"})
            elif content is None:
                self._answer(404, b"", {})
            else:
                data = content if isinstance(content, bytes) else content.read_bytes()
                self._answer(200, data, {"Content-Type": "application/octet-stream"})

        do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing."""

    with http_server(Handler) as url:
        yield PackageServer(url, requested)


def files_of(folder: Path) -> dict[str, Path | bytes]:
    """Map the files of a folder to their paths below the root of a server."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {f"/{path.relative_to(folder)}": path for path in paths}


def _links(files: Mapping[str, Path | bytes], project: str) -> bytes:
    """List the wheels of a project, as PEP 503 says."""
    wheels = [path for path in files if path.endswith(".whl") and _project(path) == project]
    return "".join(f'<a href="{path}">{Path(path).name}</a>\n' for path in wheels).encode()


def _project(path: str) -> str:
    return re.sub(r"[-_.]+", "-", Path(path).name.partition("-")[0]).lower()


def read_url(url: str, data: bytes | None = None) -> str:
    """Request a page from a server, which may be starting. Raises HTTPError."""
    answers: list[str] = []

    def ask() -> bool:
        try:
            with urlopen(Request(url, data), timeout=PATIENCE) as answer:
                answers.append(answer.read().decode())
        except HTTPError:
            raise
        except OSError:
            return False
        return True

    wait_until(ask)
    return answers[0]
