"""A git server on the loopback, which may serve only those who have a token."""

from __future__ import annotations

import base64
import os
import subprocess
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from tests.http_server import http_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def make_repository(folder: Path, files: Mapping[str, str], *, tag: str) -> Path:
    """Create a bare repository with one tagged commit."""
    tree = folder / "tree"
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for arguments in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        (*identity, "commit", "-q", "-m", "first"),
        ("tag", tag),
        ("clone", "-q", "--bare", ".", folder / "repository.git"),
    ):
        subprocess.run(["git", *arguments], cwd=tree, check=True, capture_output=True)
    return folder / "repository.git"


@contextmanager
def serving_git(folder: Path, *, token: str | None = None) -> Iterator[str]:
    """Serve the repositories and files in a folder; yield the URL of the server.

    With a token, clients send it as the password of Basic authentication, as for GitHub.
    """
    with http_server(partial(_Handler, folder, token)) as url:
        yield url


class _Handler(BaseHTTPRequestHandler):
    """Passes requests for repositories to git, and answers others with files."""

    def __init__(self, folder: Path, token: str | None, *arguments: Any) -> None:
        self._folder = folder
        self._token = token
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        if not self._is_allowed():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
        elif ".git/" in path:
            self._ask_git(path, query)
        else:
            self._serve_file(self._folder / path.lstrip("/"))

    def _is_allowed(self) -> bool:
        if self._token is None:
            return True
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        password = f":{self._token}".encode()
        return scheme.lower() == "basic" and base64.b64decode(value).endswith(password)

    def _serve_file(self, path: Path) -> None:
        self.send_response(200 if path.is_file() else 404)
        self.end_headers()
        if path.is_file() and self.command == "GET":
            self.wfile.write(path.read_bytes())

    def _ask_git(self, path: str, query: str) -> None:
        process = subprocess.run(
            ["git", "http-backend"],
            input=self.rfile.read(int(self.headers.get("Content-Length", 0))),
            env=os.environ
            | {
                "GIT_PROJECT_ROOT": str(self._folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            },
            capture_output=True,
            check=True,
        )
        head, _, body = process.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, header in headers.items():
            self.send_header(name, header)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""
