"""A fake Docker Engine: containers, images, and the BuildKit of a fake daemon inside."""

from __future__ import annotations

import json
import socket
import sys
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

from attrs import field, frozen

from llb.client.connect.routes import to_route
from llb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import pytest

    from llb.grpc import Pipe

_HOP = ("host", "connection", "upgrade", "content-length")
STDOUT, STDERR = 1, 2
LOG = {STDOUT: b"no runc\n", STDERR: b"giving up\n"}


@frozen
class Call:
    """A call that changes something: its path and query, its content, and its credentials."""

    method: str
    target: str
    content: Any = None
    auth: str | None = field(default=None, repr=False)


class FakeDockerEngine:
    """An engine at ``address``, whose BuildKit, also that of its containers, is ``buildkit``.

    ``states`` has the states of its containers. A container that is started becomes ``next_state``.
    ``images`` are those that it has, None for all. ``answers`` replaces the answers of paths by a
    status and a body. ``targets`` are the requests, and ``calls`` those that change something.
    ``archives`` has what was loaded, and ``on_load`` is called before the answer. ``unpacked`` has
    the folders and archives that containers received, and ``info`` is what it says of itself. ``output`` is what
    a process writes, as streams and data, instead of connecting to a BuildKit, and ``exit_code`` how
    it ends.
    """

    def __init__(self, path: Path, buildkit: str | None = None) -> None:
        self.address = f"unix://{path}"
        self.route = None if buildkit is None else to_route(buildkit)
        self.headers = {"Api-Version": "1.41"}
        self.states: dict[str, str] = {}
        self.next_state = "running"
        self.images: set[str] | None = None
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.calls: list[Call] = []
        self.targets: list[str] = []
        self.connections = 0
        self.archives: list[bytes] = []
        self.unpacked: list[tuple[str, bytes]] = []
        self.on_load: Callable[[], None] = lambda: None
        self.output: list[tuple[int, bytes]] | None = None
        self.exit_code: int | None = 0
        self.info: dict[str, object] = {"CgroupDriver": "systemd", "SecurityOptions": []}
        engine = self

        class Handler(_Handler):
            pass

        Handler.engine = engine
        self._server = _Server(str(path), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def open(self, path: str, headers: Mapping[str, str]) -> Pipe:
        """Connect to the BuildKit inside."""
        assert self.route is not None
        if path != "/session":
            return self.route.connect()
        metadata = [(key.lower(), value) for key, value in headers.items()]
        return self.route.open_session([item for item in metadata if item[0] not in _HOP])


class _Server(ThreadingUnixStreamServer):
    """A server that prints nothing if a client disconnects early."""

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def current_docker(
    folder: Path, monkeypatch: pytest.MonkeyPatch, buildkit: str
) -> Iterator[FakeDockerEngine]:
    """Run a Docker at DOCKER_HOST, with an empty configuration and no builders."""
    for name in ("BUILDX_CONFIG", "BUILDX_BUILDER", "BUILDKIT_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(folder / "config"))
    with FakeDockerEngine(folder / "docker.sock", buildkit) as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.address)
        yield engine


class _Handler(BaseHTTPRequestHandler):
    """The calls of one connection."""

    protocol_version = "HTTP/1.1"
    engine: FakeDockerEngine

    def setup(self) -> None:
        super().setup()
        self.engine.connections += 1

    def handle_any(self) -> None:
        parts = urlsplit(self.path)
        path = parts.path
        self.engine.targets.append(f"{self.command} {self.path}")
        if path.startswith("/v1."):
            path = path[path.index("/", 1) :]
        if path in self.engine.answers:
            status, body = self.engine.answers[path]
            self._content()
            self._reply(status, body)
            return
        if path in ("/grpc", "/session") and self.engine.route is not None:
            self._upgrade("h2c")
            self._splice(self.engine.open(path, dict(self.headers)), framed=False)
            return
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self._dispatch(self.command, path, query)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _dispatch(self, method: str, path: str, query: dict[str, str]) -> None:  # noqa: C901, PLR0912
        match method, path.strip("/").split("/"):
            case "GET", ["_ping"]:
                self._reply(200, b"OK")
            case "GET", ["images", *_, "json"]:
                image = path.removeprefix("/images/").removesuffix("/json")
                self._reply(200, {"Id": image, "RepoTags": []})
            case "GET", ["info"]:
                self._reply(200, self.engine.info)
            case "GET", ["version"]:
                self._reply(200, {"ApiVersion": "1.41"})
            case "POST", ["images", "load"]:
                self._load()
            case "POST", ["images", *_, "push"]:
                self._record(path, query)
                self._reply(200, {"aux": {"Digest": "sha256:" + "d" * 64}})
            case "POST", ["images", "create"]:
                self._record(path, query)
                if self.engine.images is not None:
                    self.engine.images.add(query["fromImage"])
                self._reply(200, {"status": "Pulling", "id": "1"})
            case "POST", ["containers", "create"]:
                self._create(path, query)
            case "GET", ["exec", _, "json"]:
                code = self.engine.exit_code
                self._reply(200, {"Running": False, "ExitCode": code})
            case "POST", ["exec", _, "start"]:
                self._content()
                self._exec()
            case _, ["containers", name, *action]:
                self._container(method, path, query, name, action)
            case "DELETE", ["volumes", _]:
                self._record(path, query)
                self._reply(204, b"")
            case _:
                self._reply(404, {"message": "page not found"})

    def _container(
        self, method: str, path: str, query: dict[str, str], name: str, action: list[str]
    ) -> None:
        states = self.engine.states
        if name not in states:
            self._content()
            self._reply(404, {"message": f"No such container: {name}"})
            return
        match method, action:
            case "GET", ["json"]:
                self._reply(200, {"Name": f"/{name}", "State": {"Status": states[name]}})
            case "GET", ["logs"]:
                self._reply(200, b"".join(_frame(*item) for item in LOG.items()))
            case "POST", ["exec"]:
                self._content()
                if states[name] == "running":
                    self._reply(201, {"Id": "e1"})
                else:
                    self._reply(409, {"message": f"container {name} is not running"})
            case "PUT", ["archive"]:
                self._unpack(query["path"])
            case "POST", ["start" | "stop" as change]:
                self._record(path, query)
                states[name] = self.engine.next_state if change == "start" else "exited"
                self._reply(204, b"")
            case "DELETE", []:
                self._record(path, query)
                del states[name]
                self._reply(204, b"")

    def _create(self, path: str, query: dict[str, str]) -> None:
        content = self._record(path, query).content
        images = self.engine.images
        if images is not None and content["Image"] not in images:
            self._reply(404, {"message": f"No such image: {content['Image']}"})
            return
        self.engine.states[query["name"]] = "created"
        self._reply(201, {"Id": "c1", "Warnings": []})

    def _load(self) -> None:
        archive = self._chunks()
        if archive is not None:
            self.engine.archives.append(archive)
            self.engine.on_load()
            self._reply(200, {"stream": "Loaded image: app:1\n"})

    def _unpack(self, folder: str) -> None:
        archive = self._chunks()
        if archive is not None:
            self.engine.unpacked.append((folder, archive))
            self._reply(200, b"")

    def _chunks(self) -> bytes | None:
        """Read a body of chunks; None if it is incomplete."""
        data = b""
        while size := int(self.rfile.readline() or b"0", 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        return data if self.rfile.readline() == b"\r\n" else None

    def _exec(self) -> None:
        self._upgrade("tcp")
        if self.engine.output is None:
            self._splice(self.engine.open("/grpc", {}), framed=True)
            return
        for item in self.engine.output:
            self.connection.sendall(_frame(*item))
        self.close_connection = True

    def _record(self, path: str, query: dict[str, str]) -> Call:
        words = "&".join(f"{key}={value}" for key, value in query.items())
        auth = self.headers.get("X-Registry-Auth")
        call = Call(self.command, f"{path}{'?' if words else ''}{words}", self._content(), auth)
        self.engine.calls.append(call)
        return call

    def _content(self) -> Any:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return json.loads(data) if data else None

    def _reply(self, status: int, content: object) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in self.engine.headers.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _upgrade(self, protocol: str) -> None:
        self.send_response_only(101, "UPGRADED")
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", protocol)
        self.end_headers()

    def _splice(self, pipe: Pipe, *, framed: bool) -> None:
        """Copy in both directions until one side ends."""
        self.close_connection = True

        def to_client() -> None:
            with suppress(OSError, TransportError):
                while data := pipe.read():
                    self.connection.sendall(_frame(STDOUT, data) if framed else data)
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=to_client, daemon=True)
        thread.start()
        with suppress(OSError, TransportError):
            while data := self.rfile.read1(1 << 16):
                pipe.write(data)
        pipe.close()
        thread.join()


def _frame(stream: int, data: bytes) -> bytes:
    """Frame the output of a process, as Docker does without a terminal."""
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data
