"""Routes to a daemon: how connections to it are made, for its API and for sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from attrs import evolve, frozen

from llb.client.connect.address import check_socket, is_docker
from llb.client.connect.errors import unreachable
from llb.client.connect.session_pipe import SessionPipe
from llb.client.connect.sockets import CONNECT_SECONDS, dial
from llb.errors import InvalidValueError, TransportError, did_you_mean
from llb.grpc import Channel
from llb.grpc.http2.events import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llb.client.connect.tls import TLS
    from llb.grpc import Pipe

Metadata: TypeAlias = "Iterable[tuple[str, str]]"

SOCKETS = ("unix", "tcp")
# Those of programs are the keys of llb.client.connect.connhelpers.PROGRAMS.
PROGRAMS = ("docker-container", "podman-container", "nerdctl-container", "kube-pod", "ssh")
SCHEMES = (*SOCKETS, "docker", *PROGRAMS)
# Another machine is asked for, logged in to, and starts a program.
_FAR_SECONDS = 30.0
_LOCAL = "localhost"
_LARGEST_MESSAGE = 64 * 2**20
# The details of an error hold whole source files, and come among the headers.
_LIMITS = Limits(header_list=16 * 2**20)


@frozen
class Route:
    """How the daemon at an address is reached.

    ``dial`` opens a pipe for the control API, and ``dial_session`` one for a session, which
    goes through the control API where there is none; both raise TransportError. The daemon
    may take ``greet_seconds`` to answer for the first time, and is told that it is called
    ``authority``, by ``scheme``.
    """

    address: str
    dial: Callable[[], Pipe]
    dial_session: Callable[[Metadata], Pipe] | None = None
    is_docker: bool = False
    greet_seconds: float = _FAR_SECONDS
    authority: str = _LOCAL
    scheme: str = "http"

    def connect(self) -> Pipe:
        """Return a further connection for the control API; raises ConnectError."""
        return self._reached(self.dial)

    def channel(self) -> Channel:
        """Return a further connection that calls are made through; raises ConnectError."""
        return Channel(
            self.connect(),
            authority=self.authority,
            scheme=self.scheme,
            max_message_size=_LARGEST_MESSAGE,
            limits=_LIMITS,
        )

    def open_session(self, metadata: Metadata) -> Pipe:
        """Return the byte stream of a session; raises ConnectError."""
        dial_session = self.dial_session
        if dial_session is None:
            return SessionPipe(self.channel(), metadata)
        return self._reached(lambda: dial_session(metadata))

    def _reached(self, dial: Callable[[], Pipe]) -> Pipe:
        try:
            return dial()
        except TransportError as error:
            raise unreachable(self.address, error.message) from error
        # What is short here, such as descriptors.
        except OSError as error:
            raise unreachable(self.address, error.strerror or str(error)) from error


def to_route(address: str, tls: TLS | None = None) -> Route:
    """Return the route to an address. Raises InvalidValueError, and InputError for Docker's files.

    >>> to_route("ssh://me@builder").dial_session is None
    True
    """
    scheme, separator, place = address.partition("://")
    if not separator or scheme not in SCHEMES:
        known = ", ".join(f"{each}://" for each in SCHEMES)
        raise InvalidValueError(
            f"invalid address {address!r}: expected one that begins with {known}",
            hint=did_you_mean(scheme, SCHEMES) or "for example unix:///run/buildkit/buildkitd.sock",
        )
    if tls is not None and scheme != "tcp":
        raise InvalidValueError(f"TLS is for tcp:// addresses, not for {address}")
    if is_docker(address):
        return _through_docker(address)
    if scheme in PROGRAMS:
        return _through_program(address)
    check_socket(address)
    near = Route(address, lambda: dial(address, tls), greet_seconds=CONNECT_SECONDS)
    return near if tls is None else evolve(near, authority=tls.server_name or place, scheme="https")


def _through_docker(address: str) -> Route:
    # These and subprocess take 7 ms to import, and a socket needs none of them.
    from llb.client.connect.docker_contexts import find_endpoint  # noqa: PLC0415
    from llb.client.connect.docker_engine import Docker  # noqa: PLC0415

    docker = Docker(find_endpoint(address))
    return Route(address, docker.connect, docker.open_session, is_docker=True)


def _through_program(address: str) -> Route:
    # As above.
    from llb.client.connect.connhelpers import command  # noqa: PLC0415
    from llb.client.connect.program_pipe import BuildctlPipe  # noqa: PLC0415

    words = command(address)
    return Route(address, lambda: BuildctlPipe(words))
