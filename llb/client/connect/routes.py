"""Routes to a daemon: how to open connections for its control API and for sessions."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from attrs import evolve, frozen

from llb._lazy import lazy_imports
from llb.client.connect.address import address_hint, check_socket, is_docker
from llb.client.connect.errors import CHANNEL, unreachable
from llb.client.connect.keepalive import keepalive_seconds
from llb.client.connect.session_pipe import SessionPipe
from llb.client.connect.sockets import CONNECT_SECONDS, dial, dial_with
from llb.errors import InvalidValueError, TransportError, did_you_mean
from llb.grpc import Channel
from llb.grpc.http2.events import Limits

with lazy_imports(__name__):
    from llb.client.connect import (
        connhelpers,  # 3 ms
        program_pipe,  # 5 ms
    )
    from llb.client.connect.docker import (
        containers,  # 25 ms
        contexts,  # 4 ms
        engine,  # 24 ms
    )
    from llb.grpcio import channel as grpcio_channel  # 50 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import grpc

    from llb.client.connect.docker.engine import Docker
    from llb.client.connect.sockets import Dialer
    from llb.client.connect.tls import TLS
    from llb.client.registry_auth.auth_tls import AuthTLS
    from llb.grpc import Pipe
    from llb.grpc.interfaces import OutgoingCalls
    from llb.platforms import Platform

T_ = TypeVar("T_")
Metadata: TypeAlias = "Iterable[tuple[str, str]]"

SOCKETS = ("unix", "tcp", "npipe")
# The keys of llb.client.connect.connhelpers.PROGRAMS.
PROGRAMS = ("podman-container", "nerdctl-container", "kube-pod", "ssh")
_CONTAINER = "docker-container"
# Builders are looked up by whoever chooses a route.
SCHEMES = (*SOCKETS, "docker", _CONTAINER, *PROGRAMS, "builder")
# A program must first find the other machine, log in, and start a process there.
_FAR_SECONDS = 30.0
_LOCAL = "localhost"
_LARGEST_MESSAGE = 64 * 2**20
# Error details hold whole source files and are sent in the headers.
_LIMITS = Limits(header_list=16 * 2**20)


@frozen
class Route:
    """A way to connect to the daemon at an address.

    ``dial`` opens a pipe for the control API, and ``dial_session`` one for a session; without
    ``dial_session``, sessions use the control API. Both raise TransportError. ``greet_seconds``
    is the timeout for the first response; ``authority`` and ``scheme`` are sent with every call.
    ``share`` replaces connections of our own by calls over a channel of the user. ``docker`` is the
    Docker whose BuildKit it is. ``node`` names the builder and its node, ``BUILDER/NODE``.
    ``loads`` says that images go to Docker if a build names no output.
    """

    address: str
    dial: Callable[[], Pipe]
    dial_session: Callable[[Metadata], Pipe] | None = None
    docker: Docker | None = None
    node: str | None = None
    loads: bool = False
    greet_seconds: float = _FAR_SECONDS
    authority: str = _LOCAL
    scheme: str = "http"
    share: Callable[[], OutgoingCalls] | None = None

    def connect(self) -> Pipe:
        """Open another connection to the control API; raises ConnectError."""
        return self._open(self.dial)

    def channel(self, on_end: Callable[[str], None] | None = None) -> OutgoingCalls:
        """Open another connection for gRPC calls; raises ConnectError.

        ``on_end`` is called with the reason when the connection ends, unless it is the caller's.
        """
        if self.share is not None:
            return self._open(self.share)
        return Channel(
            self.connect(),
            authority=self.authority,
            scheme=self.scheme,
            max_message_size=_LARGEST_MESSAGE,
            limits=_LIMITS,
            on_end=on_end,
            keepalive=keepalive_seconds(),
        )

    def open_session(self, metadata: Metadata) -> Pipe:
        """Open the byte stream of a session; raises ConnectError."""
        dial_session = self.dial_session
        if dial_session is None:
            return SessionPipe(self.channel(), metadata)
        return self._open(lambda: dial_session(metadata))

    def _open(self, dial: Callable[[], T_]) -> T_:
        try:
            return dial()
        except TransportError as error:
            raise unreachable(self.address, error.message, error.hint) from error
        # The client lacks a resource, such as file descriptors.
        except OSError as error:
            raise unreachable(self.address, error.strerror or str(error)) from error


@frozen
class RegistryAccess:
    """How a daemon reaches registries: those without TLS, and the certificates for others."""

    plain_http: tuple[str, ...] = ()
    tls: tuple[AuthTLS, ...] = ()


@frozen
class NodeRoute:
    """A daemon that a client may use: its name, and a function that chooses the route to it.

    ``choose`` may start the daemon; it raises ConnectError, InputError and InvalidValueError.
    ``platforms`` are those that the user assigns to the daemon, and ``registries`` reads how it is
    configured to reach registries; it raises InputError and InvalidValueError.
    """

    name: str
    choose: Callable[[], Route]
    platforms: tuple[Platform, ...] = ()
    registries: Callable[[], RegistryAccess] = RegistryAccess


def to_route(address: str, tls: TLS | None = None) -> Route:
    """Choose the route to an address. Raises InvalidValueError, and InputError for Docker's files.

    >>> to_route("ssh://me@builder").dial_session is None
    True
    """
    scheme, separator, host = address.partition("://")
    if not separator or scheme not in SCHEMES:
        schemes = ", ".join(f"{name}://" for name in SCHEMES)
        raise InvalidValueError(
            f"invalid address {address!r}: expected one that begins with {schemes}",
            hint=(separator and did_you_mean(scheme, SCHEMES)) or address_hint(address),
        )
    if tls is not None and scheme != "tcp":
        raise InvalidValueError(f"TLS is for tcp:// addresses, not for {address}")
    if is_docker(address):
        return docker_route(address, engine.Docker(contexts.find_endpoint(address)))
    if scheme == _CONTAINER:
        target = connhelpers.parse_target(address)
        docker = engine.Docker(contexts.find_endpoint(f"docker://{target.option('context')}"))
        return container_route(address, docker, target.name)
    if scheme in PROGRAMS:
        return _program_route(address)
    check_socket(address)
    route = Route(address, lambda: dial(address, tls), greet_seconds=CONNECT_SECONDS)
    return (
        route if tls is None else evolve(route, authority=tls.server_name or host, scheme="https")
    )


def docker_route(address: str, docker: Docker) -> Route:
    """Create the route to the BuildKit of a Docker; ``address`` only names it."""
    return Route(address, docker.connect, docker.open_session, docker=docker, loads=True)


def container_route(address: str, docker: Docker, container: str) -> Route:
    """Create the route to the BuildKit in a container of a Docker; ``address`` only names it."""
    return Route(address, lambda: containers.dial_buildctl(docker, container))


def channel_route(channel: grpc.Channel) -> Route:
    """Create the route through a channel of grpcio.

    Raises InvalidValueError if it is not a ``grpc.Channel``, and ImportError without grpcio.
    """
    grpcio_channel.check_channel(channel)
    process = os.getpid()

    def share() -> OutgoingCalls:
        grpcio_channel.check_process(process)
        return grpcio_channel.GrpcioChannel(channel)

    return Route(CHANNEL, _no_pipe, share=share)


def _no_pipe() -> Pipe:
    raise TransportError("a grpc.Channel makes calls, but opens no connections for other bytes")


def dialer_route(dialer: Dialer, address: str | None = None, tls: TLS | None = None) -> Route:
    """Build the route whose connections a function of the caller opens.

    ``address`` only names the daemon, in errors and for TLS. Raises InvalidValueError.
    """
    if not callable(dialer):
        raise InvalidValueError(f"invalid dialer: expected a function, not {_kind(dialer)}")
    if address is not None:
        if is_docker(address):
            raise InvalidValueError(f"a dialer cannot be used for Docker's API, {address}")
        check_socket(address)
    scheme, _, location = (address or "").partition("://")
    host = location.rpartition(":")[0].strip("[]") if scheme == "tcp" else ""
    if tls is not None and not (tls.server_name or host):
        raise InvalidValueError(
            "TLS through a dialer needs the name in the daemon's certificate",
            hint="pass an address tcp://HOST:PORT, or TLS(server_name=…)",
        )
    shown = address or f"dialer://{getattr(dialer, '__name__', _kind(dialer))}"
    route = Route(shown, lambda: dial_with(dialer, tls, host))
    return (
        route
        if tls is None
        else evolve(route, authority=tls.server_name or location, scheme="https")
    )


def _kind(value: object) -> str:
    return type(value).__name__


def _program_route(address: str) -> Route:
    arguments = connhelpers.command(address)
    return Route(address, lambda: program_pipe.BuildctlPipe(arguments))
