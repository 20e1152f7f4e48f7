"""The BuildKit inside Docker, reached by upgrading connections of Docker's API.

``POST /grpc`` upgrades to a connection for the control API. ``POST /session`` upgrades to the
connection of a session, in which Docker is the gRPC client; session metadata are its HTTP headers.
(docker/docker api/server/router; buildx driver/docker.)
"""

from __future__ import annotations

import shlex
from threading import Event, Timer
from typing import TYPE_CHECKING

from attrs import frozen

from llb.client.connect.address import check_socket
from llb.client.connect.connhelpers import parse_ssh_target, ssh_command
from llb.client.connect.program_pipe import ProgramPipe
from llb.client.connect.sockets import dial
from llb.errors import InvalidValueError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.client.connect.docker_contexts import Endpoint
    from llb.grpc import Pipe

_END = b"\r\n\r\n"
_HEAD_LIMIT = 2**16
_SSH = "ssh://"
_ANSWER_SECONDS = 30
_NOT_DOCKER = "it does not answer as Docker does"
# The options that Docker's CLI uses for a connection without a terminal (cli/connhelper).
_SSH_FLAGS = ("-o", f"ConnectTimeout={_ANSWER_SECONDS}", "-T")


@frozen
class Docker:
    """A Docker with its built-in BuildKit. Methods raise TransportError with the reason."""

    endpoint: Endpoint

    def connect(self) -> Pipe:
        """Open a connection for the control API."""
        return self._upgrade("/grpc", ())

    def open_session(self, metadata: Iterable[tuple[str, str]]) -> Pipe:
        """Open the connection of a session."""
        return self._upgrade("/session", metadata)

    def _upgrade(self, path: str, headers: Iterable[tuple[str, str]]) -> Pipe:
        pipe = self._dial()
        timed_out = Event()

        def abort() -> None:
            timed_out.set()
            pipe.close()

        # A server that accepts a connection but never answers is not Docker.
        timer = Timer(_ANSWER_SECONDS, abort)
        timer.start()
        try:
            pipe.write(_request(path, headers))
            leftover = _read_answer(pipe)
        except TransportError as error:
            pipe.close()
            # After the timeout, the error of the closed pipe would hide the reason.
            reason = _NOT_DOCKER if timed_out.is_set() else error.message
            raise TransportError(f"{self.endpoint.host}: {reason}") from error
        finally:
            timer.cancel()
        return _PrefixedPipe(pipe, leftover)

    def _dial(self) -> Pipe:
        host = self.endpoint.host
        try:
            if host.startswith(_SSH):
                return ProgramPipe(_docker_ssh_command(host))
            check_socket(host)
            return dial(host, self.endpoint.tls, protocol="http/1.1")
        except InvalidValueError as error:
            raise TransportError(f"docker's {error.message}") from error
        except TransportError as error:
            raise TransportError(f"{host}: {error.message}") from error


class _PrefixedPipe:
    """A pipe whose first bytes have already been read."""

    def __init__(self, pipe: Pipe, prefix: bytes) -> None:
        self._pipe = pipe
        self._prefix = prefix
        self.write = pipe.write
        self.close = pipe.close

    def read(self) -> bytes:
        """Read the bytes that were already received, then from the pipe."""
        prefix, self._prefix = self._prefix, b""
        return prefix or self._pipe.read()


def _request(path: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: docker",
        "Connection: Upgrade",
        "Upgrade: h2c",
        "Content-Length: 0",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join(lines).encode() + _END


def _read_answer(pipe: Pipe) -> bytes:
    """Read the response that upgrades the connection, and return the bytes after it."""
    head = b""
    while _END not in head:
        data = pipe.read()
        if not data or len(head) > _HEAD_LIMIT:
            raise TransportError(_NOT_DOCKER)
        head += data
    answer, _, leftover = head.partition(_END)
    line = answer.partition(b"\r\n")[0].decode(errors="replace")
    version, _, status = line.partition(" ")
    if not version.startswith("HTTP/1."):
        raise TransportError(_NOT_DOCKER)
    if not status.startswith("101"):
        raise TransportError(f"it offers no BuildKit: {status}")
    return leftover


def _docker_ssh_command(host: str) -> tuple[str, ...]:
    """Build the command that connects to Docker's API on another machine."""
    try:
        target = parse_ssh_target(host.removeprefix(_SSH))
    except ValueError as error:
        raise InvalidValueError(f"invalid host {host!r}: {error}") from error
    socket = (shlex.quote(f"--host=unix://{target.path}"),) if target.path.strip("/") else ()
    return ssh_command(target, "docker", *socket, "system", "dial-stdio", flags=_SSH_FLAGS)
