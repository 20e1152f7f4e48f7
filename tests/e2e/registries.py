"""Private registries for tests (Debian's docker-registry), and a token server for them."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from attrs import field, mutable

from tests.e2e.servers import accepts, free_port, wait_for
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

USER, PASSWORD, IDENTITY = "me", "s3cret-pass", "an-identity-t0ken"
# The bcrypt hash of the password, as `htpasswd -B` writes it.
HTPASSWD = f"{USER}:$2y$05$abcdefghijklmnopqrstuuV7fpPozvyqJfnY19y0802WTlXUm6Rjy\n"
SERVICE, ISSUER = "registry.test", "tokens.test"
NEW_REQUEST = ("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=registry")
NEW_KEY = ("req", "-x509", "-newkey", "rsa:2048", "-nodes")


def openssl(*arguments: str | Path, cwd: Path, data: bytes = b"") -> bytes:
    process = subprocess.run(
        ["openssl", *arguments], cwd=cwd, check=True, input=data, capture_output=True
    )
    return process.stdout


def write_docker_config(folder: Path, host: str, entry: Mapping[str, str] | None) -> None:
    """Write a config.json with the entry of one registry, or without any."""
    folder.mkdir(exist_ok=True)
    content = {} if entry is None else {"auths": {host: entry}}
    (folder / "config.json").write_text(json.dumps(content))


def login(user: str = USER, password: str = PASSWORD) -> dict[str, str]:
    """Build the entry of a registry as `docker login` writes it."""
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


@contextmanager
def running_registry(
    folder: Path, port: int, *, auth: Mapping[str, object] | None = None, tls: Path | None = None
) -> Iterator[str]:
    """Run a registry and yield its host and port. ``tls`` contains cert.pem and key.pem."""
    folder.mkdir()
    http: dict[str, object] = {"addr": f"127.0.0.1:{port}"}
    if tls is not None:
        http["tls"] = {"certificate": f"{tls}/cert.pem", "key": f"{tls}/key.pem"}
    config: dict[str, object] = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": http,
    }
    if auth is not None:
        config["auth"] = auth
    (folder / "registry.yml").write_text(json.dumps(config))
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            ["docker-registry", "serve", folder / "registry.yml"], stdout=log, stderr=log
        )
        try:
            wait_for(lambda: accepts(socket.AF_INET, ("127.0.0.1", port)), server)
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(PATIENCE)


def htpasswd(folder: Path) -> dict[str, object]:
    """Write an htpasswd file; return the settings of a registry with basic authentication."""
    (folder / "htpasswd").write_text(HTPASSWD)
    return {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}


@mutable
class TokenServer:
    """A token server: the requests that it received, and how it answers.

    ``requests`` has the method and the parameters of each request; ``basic`` is the parameter with
    the credentials from the header. ``behaviour`` is one of ``serve``, ``plain`` (no OAuth2),
    ``error``, ``nonsense``, ``empty``, ``hang``, and ``drip``. ``accounts`` has the passwords of the
    users. With ``is_strict``, a user may only access what is below the user's own name.
    """

    folder: Path
    port: int
    behaviour: str = "serve"
    expires_in: int = 3600
    allows_anonymous: bool = False
    accounts: dict[str, str] = field(factory=lambda: {USER: PASSWORD})
    is_strict: bool = False
    scheme: str = "http"
    requests: list[tuple[str, dict[str, str]]] = field(factory=list)
    closed: threading.Event = field(factory=threading.Event)

    @property
    def auth(self) -> dict[str, object]:
        """The settings of a registry that requires tokens of this server."""
        return {
            "token": {
                "realm": f"{self.scheme}://127.0.0.1:{self.port}/token",
                "service": SERVICE,
                "issuer": ISSUER,
                "rootcertbundle": str(self.folder / "cert.pem"),
            }
        }

    def token(self, user: str, scopes: list[str]) -> str:
        """Sign a JSON Web Token in the form that the registry's documentation describes."""
        now = int(time.time())
        certificate = ssl.PEM_cert_to_DER_cert((self.folder / "cert.pem").read_text())
        kind = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(certificate).decode()]}
        claims = {
            "iss": ISSUER,
            "sub": user,
            "aud": SERVICE,
            "jti": str(now),
            "iat": now,
            "nbf": now - 60,
            "exp": now + 3600,
            "access": [
                dict(zip(("type", "name", "actions"), parse_scope(scope), strict=True))
                for scope in scopes
            ],
        }
        signing_input = f"{_encode_json(kind)}.{_encode_json(claims)}"
        signature = openssl(
            *("dgst", "-sha256", "-sign", "key.pem"), cwd=self.folder, data=signing_input.encode()
        )
        return f"{signing_input}.{_base64url(signature)}"

    def answer(self, method: str, parameters: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer a request with a status and a JSON body."""
        self.requests.append((method, parameters))
        if self.behaviour == "error":
            # This echo of the secrets in the request must not reach the user.
            return 500, {"details": f"cannot look up {parameters}"}
        if self.behaviour == "plain" and method == "POST":
            return 404, {}
        if self.behaviour == "empty":
            return 200, {"expires_in": 60}
        user = self._user(parameters)
        anonymous = self.allows_anonymous and method == "GET" and "basic" not in parameters
        if user is None and not anonymous:
            return 401, {"details": "incorrect username or password"}
        scopes = parameters.get("scope", "").split()
        if self.is_strict:
            scopes = [scope for scope in scopes if scope.startswith(f"repository:{user}/")]
        token = self.token(user or USER, scopes)
        name = "access_token" if method == "POST" else "token"
        return 200, {name: token, "expires_in": self.expires_in}

    def _user(self, parameters: Mapping[str, str]) -> str | None:
        """Check the password or the identity token of a request."""
        if IDENTITY in (parameters.get("refresh_token"), parameters.get("basic", "").lstrip(":")):
            return USER
        name, _, password = parameters.get("basic", ":").partition(":")
        name, password = parameters.get("username", name), parameters.get("password", password)
        return name if name and self.accounts.get(name) == password else None


@contextmanager
def running_token_server(folder: Path, tls: Path | None = None) -> Iterator[TokenServer]:
    """Run a token server with a new key.

    ``tls`` contains cert.pem, key.pem, and the ca.pem that issued its clients' certificates.
    """
    folder.mkdir()
    openssl(
        *NEW_KEY, "-keyout", "key.pem", "-out", "cert.pem", "-subj", f"/CN={ISSUER}", cwd=folder
    )
    tokens = TokenServer(folder, free_port(), scheme="https" if tls else "http")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            parameters = {key: " ".join(values) for key, values in query.items()}
            kind, _, basic = self.headers.get("Authorization", "").partition(" ")
            if kind == "Basic":
                parameters["basic"] = base64.b64decode(basic).decode()
            self._answer(parameters)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({key: values[0] for key, values in parse_qs(body).items()})

        def _answer(self, parameters: dict[str, str]) -> None:
            status, body = tokens.answer(self.command, parameters)
            if tokens.behaviour == "hang":
                tokens.closed.wait()
                return
            data = b"<html>" if tokens.behaviour == "nonsense" else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if tokens.behaviour == "drip":
                while not tokens.closed.wait(1):
                    self.wfile.write(b" ")
                return
            self.wfile.write(data)

        def log_message(self, *arguments: object) -> None:
            """Print nothing; the token server keeps the requests."""

    with serve_http(("127.0.0.1", tokens.port), Handler, tls):
        try:
            yield tokens
        finally:
            tokens.closed.set()


@contextmanager
def running_strict_registry(folder: Path, accounts: Mapping[str, str]) -> Iterator[str]:
    """Run a registry with basic authentication, in which users access only what is below their names.

    It passes requests on to a registry that is open to everyone. Yields its host and port.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            kind, _, basic = self.headers.get("Authorization", "").partition(" ")
            pair = base64.b64decode(basic).decode() if kind == "Basic" else ""
            user, _, password = pair.partition(":")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not user or accounts.get(user) != password:
                self._reply(401, {"WWW-Authenticate": 'Basic realm="strict"'}, b"")
            elif not self.path.startswith(("/v2/?", f"/v2/{user}/")) and self.path != "/v2/":
                self._reply(403, {}, b"")
            else:
                connection = HTTPConnection(target)
                connection.request(self.command, self.path, body, dict(self.headers))
                response = connection.getresponse()
                self._reply(response.status, dict(response.getheaders()), response.read())
                connection.close()

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = handle_any  # noqa: N815

        def _reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "date", "server"):
                    self.send_header(name, value)
            length = headers.get("Content-Length") if self.command == "HEAD" else str(len(body))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Print nothing."""

    port = free_port()
    with (
        running_registry(folder, free_port()) as target,
        serve_http(("127.0.0.1", port), Handler),
    ):
        yield f"127.0.0.1:{port}"


@contextmanager
def running_broken_registry(status: int) -> Iterator[str]:
    """Run a registry that answers every request with one status; yield its host and port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *arguments: object) -> None:
            """Print nothing."""

    port = free_port()
    with serve_http(("127.0.0.1", port), Handler):
        yield f"127.0.0.1:{port}"


@contextmanager
def serve_http(
    address: tuple[str, int], handler: type[BaseHTTPRequestHandler], tls: Path | None = None
) -> Iterator[None]:
    """Serve HTTP, or HTTPS if ``tls`` is given, on threads."""
    with ThreadingHTTPServer(address, handler) as server:
        if tls is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tls / "ca.pem")
            context.load_cert_chain(tls / "cert.pem", tls / "key.pem")
            context.verify_mode = ssl.CERT_REQUIRED
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        server.daemon_threads = True
        server.block_on_close = False
        # A connection that ends with a TLS error is not an error of the test.
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def parse_scope(scope: str) -> tuple[str, str, list[str]]:
    """Parse a scope into kind, name and actions; the name may contain a colon."""
    kind, _, name_and_actions = scope.partition(":")
    name, _, actions = name_and_actions.rpartition(":")
    return kind, name, actions.split(",")


def _encode_json(value: object) -> str:
    return _base64url(json.dumps(value).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def write_authority(folder: Path) -> None:
    """Create a certificate authority: ca.pem and ca.key."""
    folder.mkdir()
    openssl(*NEW_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", cwd=folder)


def write_certificate(authority: Path, folder: Path, days: int) -> None:
    """Create cert.pem and key.pem for this machine; with negative ``days`` they have expired."""
    folder.mkdir()
    (folder / "ca.pem").write_bytes((authority / "ca.pem").read_bytes())
    openssl(*NEW_REQUEST, "-keyout", "key.pem", "-out", "request.pem", cwd=folder)
    (folder / "more").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    openssl(
        *("x509", "-req", "-in", "request.pem", "-out", "cert.pem", "-days", str(days)),
        *("-CA", authority / "ca.pem", "-CAkey", authority / "ca.key", "-CAcreateserial"),
        *("-extfile", "more"),
        cwd=folder,
    )
