"""Unix and TCP sockets to a daemon as pipes, with keepalive and optional TLS."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from llb._lazy import lazy_imports
from llb.errors import TransportError
from llb.grpc import socket_pipe

with lazy_imports(__name__):
    from llb.client.connect import tls_pipe  # 6 ms

if TYPE_CHECKING:
    from llb.client.connect.tls import TLS
    from llb.grpc import Pipe

CONNECT_SECONDS = 10.0
# A machine that is silent for half a minute is considered gone: the idle time before the first
# keepalive probe, the interval between probes, their number, and the limit for unacknowledged data.
_KEEP_ALIVE = (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
_UNCONFIRMED = ("TCP_USER_TIMEOUT", 30_000)


def dial(address: str, tls: TLS | None = None, *, protocol: str = "h2") -> Pipe:
    """Connect to ``unix://PATH`` or ``tcp://HOST:PORT``.

    ``protocol`` is the protocol inside TLS, by its ALPN name. Raises TransportError with the
    reason.
    """
    connection = _connect(address)
    if tls is None:
        return socket_pipe(connection)

    host = address.partition("://")[2].rpartition(":")[0].strip("[]")
    connection.settimeout(CONNECT_SECONDS)
    return tls_pipe.tls_pipe(connection, tls, host, protocol)


def _connect(address: str) -> socket.socket:
    kind, _, location = address.partition("://")
    try:
        if kind != "unix":
            host, _, port = location.rpartition(":")
            return _enable_keep_alive(
                socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS)
            )
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(location)
        except OSError:
            connection.close()
            raise
    except OSError as error:
        raise TransportError(error.strerror or str(error)) from error
    # A malformed host name, such as one with an empty label.
    except UnicodeError as error:
        raise TransportError("invalid host name") from error
    return connection


def _enable_keep_alive(connection: socket.socket) -> socket.socket:
    """Make the connection break when the other machine is gone."""
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (*_KEEP_ALIVE, _UNCONFIRMED):
        # Not every system has all of these options.
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return connection
