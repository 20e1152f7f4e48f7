"""The BuildKit inside of Docker: connections that Docker's API is upgraded to.

``POST /grpc`` becomes a connection for the control API. ``POST /session`` becomes one in which
Docker is the client of a session at once; what is metadata elsewhere are its headers.
(docker/docker api/server/router; buildx driver/docker.)
"""

from __future__ import annotations

import shlex
from threading import Event, Timer
from typing import TYPE_CHECKING

from attrs import frozen

from llb.client.connect.address import check_socket
from llb.client.connect.connhelpers import ssh_command, ssh_place
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
_SILENT = "it does not answer as Docker does"
# As Docker's CLI asks for a connection that is no terminal (cli/connhelper).
_SSH_FLAGS = ("-o", f"ConnectTimeout={_ANSWER_SECONDS}", "-T")


@frozen
class Docker:
    """A Docker, which has a BuildKit. Its methods raise TransportError, whose message says why."""

    endpoint: Endpoint

    def connect(self) -> Pipe:
        """Return a connection for the control API."""
        return self._upgraded("/grpc", ())

    def open_session(self, metadata: Iterable[tuple[str, str]]) -> Pipe:
        """Return a connection in which the daemon asks a session."""
        return self._upgraded("/session", metadata)

    def _upgraded(self, path: str, headers: Iterable[tuple[str, str]]) -> Pipe:
        pipe = self._dial()
        is_late = Event()

        def give_up() -> None:
            is_late.set()
            pipe.close()

        # What accepts a connection and says nothing is no Docker.
        timer = Timer(_ANSWER_SECONDS, give_up)
        timer.start()
        try:
            pipe.write(_request(path, headers))
            rest = _read_answer(pipe)
        except TransportError as error:
            pipe.close()
            # A pipe that was closed under who writes has a reason of its own.
            reason = _SILENT if is_late.is_set() else error.message
            raise TransportError(f"{self.endpoint.host}: {reason}") from error
        finally:
            timer.cancel()
        return _BegunPipe(pipe, rest)

    def _dial(self) -> Pipe:
        host = self.endpoint.host
        try:
            if host.startswith(_SSH):
                return ProgramPipe(_ssh(host))
            check_socket(host)
            return dial(host, self.endpoint.tls, protocol="http/1.1")
        except InvalidValueError as error:
            raise TransportError(f"docker's {error.message}") from error
        except TransportError as error:
            raise TransportError(f"{host}: {error.message}") from error


class _BegunPipe:
    """A pipe whose first bytes have been read already."""

    def __init__(self, pipe: Pipe, begun: bytes) -> None:
        self._pipe = pipe
        self._begun = begun
        self.write = pipe.write
        self.close = pipe.close

    def read(self) -> bytes:
        """Return what was read already, then what comes."""
        begun, self._begun = self._begun, b""
        return begun or self._pipe.read()


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
    """Return what came after the answer that the connection is upgraded."""
    head = b""
    while _END not in head:
        data = pipe.read()
        if not data or len(head) > _HEAD_LIMIT:
            raise TransportError(_SILENT)
        head += data
    answer, _, rest = head.partition(_END)
    line = answer.partition(b"\r\n")[0].decode(errors="replace")
    version, _, status = line.partition(" ")
    if not version.startswith("HTTP/1."):
        raise TransportError(_SILENT)
    if not status.startswith("101"):
        raise TransportError(f"it has no BuildKit for us: {status}")
    return rest


def _ssh(host: str) -> tuple[str, ...]:
    """Return the command that reaches Docker's API on another machine."""
    try:
        place = ssh_place(host.removeprefix(_SSH))
    except ValueError as error:
        raise InvalidValueError(f"invalid host {host!r}: {error}") from error
    socket = (shlex.quote(f"--host=unix://{place.path}"),) if place.path.strip("/") else ()
    return ssh_command(place, "docker", *socket, "system", "dial-stdio", flags=_SSH_FLAGS)
