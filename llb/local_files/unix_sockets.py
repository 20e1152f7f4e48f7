"""Unix sockets, which Python lacks on Windows."""

from __future__ import annotations

import errno
import socket
import sys

EXIST = sys.platform != "win32"


def connect(path: str) -> socket.socket:
    """Connect to a Unix socket. Raises OSError, also where Python has none."""
    if sys.platform == "win32":
        raise OSError(errno.EAFNOSUPPORT, "Python has no Unix sockets on Windows")
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(path)
    except BaseException:
        connection.close()
        raise
    return connection
