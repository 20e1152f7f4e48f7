"""Sockets to a daemon, as pipes: of this machine, or over a network and then perhaps with TLS."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from llb.errors import TransportError
from llb.grpc import socket_pipe

if TYPE_CHECKING:
    from llb.client.connect.tls import TLS
    from llb.grpc import Pipe

CONNECT_SECONDS = 10.0
# A machine that is silent for half a minute is gone: how long until the kernel asks it, how long
# between its questions, how many of them, and how long what was sent may stay unconfirmed.
_KEEP_ALIVE = (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
_UNCONFIRMED = ("TCP_USER_TIMEOUT", 30_000)


def dial(address: str, tls: TLS | None = None, *, protocol: str = "h2") -> Pipe:
    """Return a connection to ``unix://PATH`` or ``tcp://HOST:PORT``.

    ``protocol`` is what will be spoken in TLS, by its name in ALPN. Raises TransportError,
    whose message says why.
    """
    connection = _connect(address)
    if tls is None:
        return socket_pipe(connection)
    # ssl takes 6 ms to import, and most daemons are reached without.
    from llb.client.connect.tls_pipe import tls_pipe  # noqa: PLC0415

    host = address.partition("://")[2].rpartition(":")[0].strip("[]")
    connection.settimeout(CONNECT_SECONDS)
    return tls_pipe(connection, tls, host, protocol)


def _connect(address: str) -> socket.socket:
    kind, _, place = address.partition("://")
    try:
        if kind != "unix":
            host, _, port = place.rpartition(":")
            return _kept_alive(
                socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS)
            )
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(place)
        except OSError:
            connection.close()
            raise
    except OSError as error:
        raise TransportError(error.strerror or str(error)) from error
    # A name that cannot be one, as with an empty label.
    except UnicodeError as error:
        raise TransportError("invalid host name") from error
    return connection


def _kept_alive(connection: socket.socket) -> socket.socket:
    """Return the connection, which now breaks when the other machine is gone."""
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (*_KEEP_ALIVE, _UNCONFIRMED):
        # Not every system has every one.
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return connection
