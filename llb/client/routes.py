"""Routes to a daemon: what grpc connects to, and further connections beside it.

An address has a route of one of two kinds. Sockets grpc dials by itself. What goes through a
program, or through Docker, is a pipe, and grpc connects to a relay before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from llb.client import programs
from llb.client.address import to_target
from llb.client.docker_contexts import find_endpoint, is_docker
from llb.client.docker_engine import Docker
from llb.client.failures import unreachable
from llb.client.program_pipe import BuildctlPipe
from llb.client.relay import Relay
from llb.client.session_pipe import SessionPipe
from llb.client.sockets import CONNECT_SECONDS, dial
from llb.errors import InvalidValueError, TransportError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llb.client.tls import TLS
    from llb.tunnel import Pipe

    Metadata = Iterable[tuple[str, str]]

SCHEMES = ("unix", "tcp", "docker", *programs.PROGRAMS)
# Another machine is asked for, logged in to, and starts a program.
_RELAYED_SECONDS = 30.0


class Route(Protocol):
    """How a daemon is reached.

    ``target`` is what grpc connects to, with ``tls``, and ``greet_seconds`` how long the
    daemon may take to answer for the first time. ``problem`` is why the connection broke,
    where more is known of it than grpc says.
    """

    address: str
    target: str
    tls: TLS | None
    is_docker: bool
    greet_seconds: float

    @property
    def problem(self) -> str | None:
        """Why the last connection could not be made, or broke."""

    def check(self) -> None:
        """Raise ConnectError where it can be told at once that nothing listens."""

    def connect(self) -> Pipe:
        """Return a further connection for the control API; raises ConnectError."""

    def open_session(self, metadata: Metadata) -> Pipe:
        """Return the byte stream of a session; raises ConnectError."""

    def close(self) -> None:
        """End what the route keeps open; a second call does nothing."""


def to_route(address: str, tls: TLS | None = None) -> Route:
    """Return the route to an address. Raises InvalidValueError, and InputError for Docker's files.

    >>> to_route("tcp://127.0.0.1:1234").target
    '127.0.0.1:1234'
    """
    scheme, separator, _ = address.partition("://")
    if not separator or scheme not in SCHEMES:
        known = ", ".join(f"{each}://" for each in SCHEMES)
        raise InvalidValueError(
            f"invalid address {address!r}: expected one that begins with {known}",
            hint=did_you_mean(scheme, SCHEMES) or "for example unix:///run/buildkit/buildkitd.sock",
        )
    if tls is not None and scheme != "tcp":
        raise InvalidValueError(f"TLS is for tcp:// addresses, not for {address}")
    if is_docker(address):
        docker = Docker(find_endpoint(address))
        return RelayedRoute(address, docker.connect, docker.open_session, is_docker=True)
    command = programs.command(address)
    if command is not None:
        return RelayedRoute(address, lambda: BuildctlPipe(command))
    return SocketRoute(address, tls)


class SocketRoute:
    """A route through sockets, which grpc dials too."""

    is_docker = False
    greet_seconds = CONNECT_SECONDS
    problem: str | None = None

    def __init__(self, address: str, tls: TLS | None) -> None:
        self.address = address
        self.tls = tls
        self.target = to_target(address)

    def check(self) -> None:
        """Connect once."""
        self.connect().close()

    def connect(self) -> Pipe:
        """Return a socket as a pipe."""
        return _reached(self.address, lambda: dial(self.address, self.tls))

    def open_session(self, metadata: Metadata) -> Pipe:
        """Return a stream of messages through a connection of its own."""
        return SessionPipe(self.connect(), metadata)

    def close(self) -> None:
        """Do nothing: every connection belongs to who asked for it."""


class RelayedRoute:
    """A route through pipes, with a relay for grpc.

    ``dial`` opens one for the control API, and ``dial_session`` one for a session, which goes
    through the control API where there is none.
    """

    tls: TLS | None = None
    greet_seconds = _RELAYED_SECONDS

    def __init__(
        self,
        address: str,
        dial: Callable[[], Pipe],
        dial_session: Callable[[Metadata], Pipe] | None = None,
        *,
        is_docker: bool = False,
    ) -> None:
        self.address = address
        self.is_docker = is_docker
        self._dial = dial
        self._dial_session = dial_session
        self._relay = Relay(dial)
        self.target = self._relay.target

    @property
    def problem(self) -> str | None:
        """Why the relay's last pipe could not be opened, or broke, or that none ever answered."""
        # What grpc says of silence names the relay's socket, which nobody knows.
        silence = None if self._relay.has_answered else "it does not answer"
        return self._relay.problem or silence

    def check(self) -> None:
        """Do nothing: a pipe costs a process, and the relay tells of one that fails."""

    def connect(self) -> Pipe:
        """Return another pipe."""
        return _reached(self.address, self._dial)

    def open_session(self, metadata: Metadata) -> Pipe:
        """Return a pipe of its own kind, or a stream of messages through another pipe."""
        dial_session = self._dial_session
        if dial_session is None:
            return SessionPipe(self.connect(), metadata)
        return _reached(self.address, lambda: dial_session(metadata))

    def close(self) -> None:
        """End the relay."""
        self._relay.close()


def _reached(address: str, dial: Callable[[], Pipe]) -> Pipe:
    try:
        return dial()
    except TransportError as error:
        raise unreachable(address, error.message) from error
