"""Unix and TCP sockets to a daemon as pipes, with keepalive and optional TLS."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from llb._lazy import lazy_imports
from llb.client.connect import named_pipe
from llb.client.connect.address import pipe_name
from llb.errors import InvalidValueError, TransportError
from llb.grpc import Pipe, socket_pipe
from llb.local_files import unix_sockets

with lazy_imports(__name__):
    from llb.client.connect import tls_pipe  # 8 ms

if TYPE_CHECKING:
    from llb.client.connect.tls import TLS

Dialer: TypeAlias = Callable[[], socket.socket | Pipe]
"""A function that opens a connection to a daemon, and returns a connected socket or a pipe.

It is called for each connection, two for most builds, from any thread. The client owns the
connection and closes it.
"""

CONNECT_SECONDS = 10.0
# A machine that is silent for half a minute is considered gone: the idle time before the first
# keepalive probe, the interval between probes, their number, and the limit for unacknowledged data.
_KEEP_ALIVE = (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
_UNCONFIRMED = ("TCP_USER_TIMEOUT", 30_000)


def dial(address: str, tls: TLS | None = None, *, protocol: str = "h2") -> Pipe:
    """Connect to ``unix://PATH``, ``tcp://HOST:PORT`` or ``npipe:////./pipe/NAME``.

    ``protocol`` is the protocol inside TLS, by its ALPN name. Raises TransportError with the
    reason.
    """
    if address.startswith("npipe:"):
        return named_pipe.dial(pipe_name(address))
    connection = _connect(address)
    if tls is None:
        return socket_pipe(connection)

    host = address.partition("://")[2].rpartition(":")[0].strip("[]")
    connection.settimeout(CONNECT_SECONDS)
    return tls_pipe.tls_pipe(connection, tls, host, protocol)


def dial_with(dialer: Dialer, tls: TLS | None, host: str) -> Pipe:
    """Connect through a function of the caller, whose exceptions are raised unchanged.

    With ``tls``, TLS is started over the socket, and ``host`` is the name expected in the
    certificate. Raises TransportError, and InvalidValueError for an unusable connection.
    """
    connection = dialer()
    if not isinstance(connection, socket.socket):
        return _check_pipe(connection, tls)
    if tls_pipe.has_tls(connection):
        if tls is not None:
            raise InvalidValueError("the dialer returned a socket with TLS, so tls must be None")
        return tls_pipe.TLSPipe(connection)
    if tls is None:
        return socket_pipe(connection)
    connection.settimeout(CONNECT_SECONDS)
    return tls_pipe.tls_pipe(connection, tls, host, "h2")


def _check_pipe(connection: Pipe, tls: TLS | None) -> Pipe:
    methods = (getattr(connection, name, None) for name in ("read", "write", "close"))
    if not all(map(callable, methods)):
        raise InvalidValueError(
            f"the dialer returned {type(connection).__name__}: expected a connected "
            "socket.socket, or an object with read, write and close (llb.grpc.Pipe)"
        )
    if tls is not None:
        raise InvalidValueError("the dialer returned a pipe, but tls needs a socket")
    return connection


def _connect(address: str) -> socket.socket:
    kind, _, location = address.partition("://")
    try:
        if kind != "unix":
            host, _, port = location.rpartition(":")
            return _enable_keep_alive(
                socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS)
            )
        return unix_sockets.connect(location)
    except OSError as error:
        raise TransportError(error.strerror or str(error)) from error
    # A malformed host name, such as one with an empty label.
    except UnicodeError as error:
        raise TransportError("invalid host name") from error


def _enable_keep_alive(connection: socket.socket) -> socket.socket:
    """Make the connection break when the other machine is gone."""
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (*_KEEP_ALIVE, _UNCONFIRMED):
        # Not every system has all of these options.
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return connection
