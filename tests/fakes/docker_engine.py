"""A fake Docker Engine: a socket with images by id, and the BuildKit of a fake daemon inside."""

from __future__ import annotations

import json
import re
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from llb.client.connect.routes import to_route
from llb.errors import TransportError

if TYPE_CHECKING:
    from pathlib import Path

    from llb.grpc import Pipe

_END = b"\r\n\r\n"
_UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
_ROUTES = re.compile(r"(POST|GET) (?:/v[0-9.]+)?(/[^ ]*) ")
_HOP = ("host", "connection", "upgrade", "content-length")


class FakeDockerEngine:
    """An engine at ``address`` that knows every image; its BuildKit is that at ``buildkit``."""

    def __init__(self, path: Path, buildkit: str) -> None:
        self.address = f"unix://{path}"
        self._route = to_route(buildkit)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, TransportError):
            received = b""
            while _END not in received:
                received += connection.recv(1 << 16)
            head, _, rest = received.partition(_END)
            lines = head.decode().split("\r\n")
            match = _ROUTES.match(lines[0])
            assert match is not None, lines[0]
            path = match[2]
            if path in ("/grpc", "/session"):
                pipe = self._open(path, dict(line.split(": ", 1) for line in lines[1:]))
                connection.sendall(_UPGRADED)
                _splice(connection, pipe, rest)
            else:
                connection.sendall(_answer(path))

    def _open(self, path: str, headers: dict[str, str]) -> Pipe:
        if path == "/grpc":
            return self._route.connect()
        metadata = [(key.lower(), value) for key, value in headers.items()]
        return self._route.open_session([item for item in metadata if item[0] not in _HOP])


def _answer(path: str) -> bytes:
    image = path.removeprefix("/images/").removesuffix("/json")
    content = {"Id": image, "RepoTags": []} if image != path else {"ApiVersion": "1.41"}
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


def _splice(connection: socket.socket, pipe: Pipe, rest: bytes) -> None:
    """Copy in both directions until one side ends."""

    def to_client() -> None:
        with suppress(OSError, TransportError):
            while data := pipe.read():
                connection.sendall(data)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=to_client, daemon=True)
    thread.start()
    data = rest or connection.recv(1 << 16)
    while data:
        pipe.write(data)
        data = connection.recv(1 << 16)
    pipe.close()
    thread.join()
