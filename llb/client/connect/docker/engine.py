"""A Docker Engine: its BuildKit by upgraded connections, and the calls of its API.

``POST /grpc`` upgrades to a connection for the control API of BuildKit. ``POST /session`` upgrades
to the connection of a session, in which Docker is the gRPC client; session metadata are its HTTP
headers. (docker/docker api/server/router; buildx driver/docker.) All other calls are prefixed with
the version of the API that both sides know.
"""

from __future__ import annotations

import json
import re
import shlex
from contextlib import contextmanager
from threading import Event, Timer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

from attrs import frozen

from llb.client.connect.address import check_socket
from llb.client.connect.connhelpers import parse_ssh_target, ssh_command
from llb.client.connect.docker.errors import (
    AnswerError,
    answer_error,
    dial_error,
    no_buildkit,
    version_error,
)
from llb.client.connect.docker.http import NOT_HTTP, SWITCHING_PROTOCOLS, Head, HTTPConnection
from llb.client.connect.program_pipe import ProgramPipe
from llb.client.connect.sockets import dial
from llb.errors import InvalidValueError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llb.client.connect.docker.contexts import Endpoint
    from llb.grpc import Pipe

_SSH = "ssh://"
_ANSWER_SECONDS = 30
# The options that Docker's CLI uses for a connection without a terminal (cli/connhelper).
_SSH_FLAGS = ("-o", f"ConnectTimeout={_ANSWER_SECONDS}", "-T")
# The API of Docker 25, which is the oldest that Docker 29 accepts. Older engines get their own.
_API = (1, 44)
# The API of Docker 18.09, the first with /grpc and /session.
_OLDEST_API = (1, 39)
_VERSION = re.compile(r"(\d+)\.(\d+)\Z")
_LARGEST_ANSWER = 16 * 2**20
# A container that is started may run already.
_NOT_MODIFIED = 304
_OK = (*range(200, 300), _NOT_MODIFIED)

Headers = tuple[tuple[str, str], ...]


@frozen
class Docker:
    """A Docker at an endpoint. Methods raise TransportError with the reason."""

    endpoint: Endpoint

    def connect(self) -> Pipe:
        """Open a connection for the control API of its BuildKit."""
        return self._buildkit("/grpc", ())

    def open_session(self, metadata: Iterable[tuple[str, str]]) -> Pipe:
        """Open the connection of a session with its BuildKit."""
        return self._buildkit("/session", metadata)

    def ping(self) -> Head:
        """Check that Docker answers; the headers tell its API version, and podman from Docker."""
        with Engine(self) as engine:
            return engine.ping()

    def dial(self) -> Pipe:
        """Open a connection to the API."""
        host = self.endpoint.host
        try:
            if host.startswith(_SSH):
                return ProgramPipe(_docker_ssh_command(host))
            check_socket(host)
            return dial(host, self.endpoint.tls, protocol="http/1.1")
        except InvalidValueError as error:
            raise TransportError(f"docker's {error.message}", hint=error.hint) from error
        except TransportError as error:
            raise dial_error(host, error) from error

    def _buildkit(self, path: str, metadata: Iterable[tuple[str, str]]) -> Pipe:
        connection = HTTPConnection(self.dial())
        headers = (("Connection", "Upgrade"), ("Upgrade", "h2c"), ("Content-Length", "0"))
        try:
            with self.answering(connection):
                connection.begin("POST", path, [*headers, *metadata])
                connection.end()
                head = connection.head()
                if head.status == SWITCHING_PROTOCOLS:
                    return connection.upgraded()
                body = b"".join(connection.body())
        except BaseException:
            connection.close()
            raise
        connection.close()
        raise no_buildkit(self.endpoint.host, head, body, self.ping)

    @contextmanager
    def answering(self, connection: HTTPConnection, *, is_slow: bool = False) -> Iterator[None]:
        """Wait for an answer: errors get the address of Docker.

        A connection whose server does not answer for half a minute is closed, unless the call
        ``is_slow``.
        """
        timed_out = Event()

        def abort() -> None:
            timed_out.set()
            connection.close()

        # A server that accepts a connection but never answers is not Docker.
        timer = Timer(_ANSWER_SECONDS, abort)
        if not is_slow:
            timer.start()
        try:
            yield
        except AnswerError:
            raise
        except TransportError as error:
            # After the timeout, the error of the closed pipe would hide the reason.
            reason = NOT_HTTP if timed_out.is_set() else error.message
            raise dial_error(self.endpoint.host, TransportError(reason, hint=error.hint)) from error
        finally:
            timer.cancel()


class Engine:
    """Calls of Docker's API, one at a time, over a connection that is kept between them.

    Methods raise TransportError, and AnswerError if Docker refuses a call. :meth:`close` ends a
    call of another thread.
    """

    def __init__(self, docker: Docker) -> None:
        self._docker = docker
        self._connection: HTTPConnection | None = None
        self._prefix: str | None = None
        self._is_closed = False

    def __enter__(self) -> Self:
        """Enter a block that ends with :meth:`close`."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the connection."""
        self.close()

    @property
    def host(self) -> str:
        """The address of Docker."""
        return self._docker.endpoint.host

    def ping(self) -> Head:
        """Check that Docker answers, and agree on a version of the API."""
        head, body = self._answer("GET", "/_ping", (), None)
        version = _VERSION.match(head.headers.get("api-version", ""))
        if head.status not in _OK:
            raise answer_error(self.host, head, body)
        if version is None:
            raise TransportError(f"{self.host}: {NOT_HTTP}")
        known = (int(version[1]), int(version[2]))
        if known < _OLDEST_API:
            raise version_error(self.host, known, _OLDEST_API)
        self._prefix = "/v{}.{}".format(*min(known, _API))
        return head

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        content: object = None,
        *,
        is_slow: bool = False,
    ) -> Any:
        """Make a call and return the JSON of its answer, None if it is empty.

        Calls that are not slow are answered within half a minute.
        """
        data = self.read(method, path, query, content, is_slow=is_slow)
        try:
            return json.loads(data) if data.strip() else None
        except (ValueError, RecursionError) as error:
            raise TransportError(f"{self.host}: the answer of {path} is not JSON") from error

    def read(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        content: object = None,
        *,
        is_slow: bool = False,
    ) -> bytes:
        """Make a call and return the bytes of its answer."""
        head, body = self._answer(method, self._target(path, query), (), content, is_slow=is_slow)
        if head.status not in _OK:
            raise answer_error(self.host, head, body)
        return body

    def messages(
        self, path: str, query: Mapping[str, str], headers: Headers = ()
    ) -> Iterator[Mapping[str, Any]]:
        """Make a POST call and yield the JSON objects of its answer as they arrive.

        Raises AnswerError for an object that is an error.
        """
        target = self._target(path, query)
        connection = self._open()
        with self._docker.answering(connection, is_slow=True):
            self._send(connection, "POST", target, headers, None)
            yield from self._parse(connection)

    def upload(self, method: str, path: str, query: Mapping[str, str], content_type: str) -> Upload:
        """Begin a call whose body is sent piece by piece."""
        headers = (("Content-Type", content_type), ("Transfer-Encoding", "chunked"))
        target = self._target(path, query)
        connection = self._open()
        with self._docker.answering(connection, is_slow=True):
            connection.begin(method, target, headers)
        return Upload(self, connection)

    def upgrade(self, path: str, content: object) -> Pipe:
        """Make a POST call and return the connection, which becomes a pipe of raw bytes."""
        headers = (("Connection", "Upgrade"), ("Upgrade", "tcp"))
        target = self._target(path, None)
        connection = self._open()
        with self._docker.answering(connection):
            self._send(connection, "POST", target, headers, content)
            head = connection.head()
            if head.status == SWITCHING_PROTOCOLS:
                # The pipe belongs to the caller from now on.
                self._connection = None
                return connection.upgraded()
            raise answer_error(self.host, head, _whole(connection.body()))

    def close(self) -> None:
        """Close the connection, also while another thread waits for an answer."""
        self._is_closed = True
        if self._connection is not None:
            self._connection.close()

    def _target(self, path: str, query: Mapping[str, str] | None) -> str:
        if self._prefix is None:
            self.ping()
        return f"{self._prefix}{path}{'?' if query else ''}{urlencode(query or {})}"

    def _answer(
        self, method: str, target: str, headers: Headers, content: object, *, is_slow: bool = False
    ) -> tuple[Head, bytes]:
        connection = self._open()
        with self._docker.answering(connection, is_slow=is_slow):
            self._send(connection, method, target, headers, content)
            return connection.head(), _whole(connection.body())

    def _open(self) -> HTTPConnection:
        """Take the connection of the previous call, or open another one if it has ended."""
        connection = self._connection
        if connection is None or not connection.is_reusable:
            if connection is not None:
                connection.close()
            self._connection = connection = HTTPConnection(self._docker.dial())
        if self._is_closed:
            connection.close()
        return connection

    def _send(
        self,
        connection: HTTPConnection,
        method: str,
        target: str,
        headers: Headers,
        content: object,
    ) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        own = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
        connection.begin(method, target, [*own, *headers])
        if body:
            connection.send(body)
        connection.end()

    def _parse(self, connection: HTTPConnection) -> Iterator[Mapping[str, Any]]:
        """Yield the objects of an answer. Raises AnswerError for one that is an error."""
        head = connection.head()
        if head.status not in _OK:
            raise answer_error(self.host, head, _whole(connection.body()))
        for line in _lines(connection.body()):
            try:
                message = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise TransportError("an answer is not JSON") from error
            if isinstance(message, dict):
                if error_text := message.get("error"):
                    raise AnswerError(str(error_text), status=head.status)
                yield message


class Upload:
    """A call whose body is sent piece by piece; it belongs to an :class:`Engine`."""

    def __init__(self, engine: Engine, connection: HTTPConnection) -> None:
        self._engine = engine
        self._connection = connection

    def send(self, data: bytes) -> None:
        """Send a piece. If Docker has already refused the call, raises AnswerError with why."""
        try:
            self._connection.send(data)
        except TransportError as error:
            self._raise_refusal(error)

    def end(self) -> None:
        """End the body and wait for the end of the answer; raises AnswerError for an error."""
        try:
            self._connection.end()
        except TransportError as error:
            self._raise_refusal(error)
        with self._engine._docker.answering(self._connection, is_slow=True):
            for _ in self._engine._parse(self._connection):
                pass

    def _raise_refusal(self, error: TransportError) -> None:
        """Raise what Docker answered before it stopped reading, or the error of sending."""
        try:
            for _ in self._engine._parse(self._connection):
                pass
        except AnswerError as refusal:
            raise refusal from error
        except TransportError:
            pass
        raise TransportError(f"{self._engine.host}: {error.message}") from error


def _whole(pieces: Iterable[bytes]) -> bytes:
    """Join the pieces of an answer. Raises TransportError if it is too large to be kept."""
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > _LARGEST_ANSWER:
            raise TransportError("an answer has more than 16 MiB")
    return bytes(body)


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Split an answer into its lines that are not empty."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > _LARGEST_ANSWER:
            raise TransportError("a line of an answer has more than 16 MiB")
        yield from (line for line in lines if line.strip())
    if rest.strip():
        yield rest


def _docker_ssh_command(host: str) -> tuple[str, ...]:
    """Build the command that connects to Docker's API on another machine."""
    try:
        target = parse_ssh_target(host.removeprefix(_SSH))
    except ValueError as error:
        raise InvalidValueError(f"invalid host {host!r}: {error}") from error
    socket = (shlex.quote(f"--host=unix://{target.path}"),) if target.path.strip("/") else ()
    return ssh_command(target, "docker", *socket, "system", "dial-stdio", flags=_SSH_FLAGS)
