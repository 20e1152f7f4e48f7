"""TLS to a daemon: whom to trust, and who we are."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING

import grpc
from attrs import frozen

from llb.errors import InputError, InvalidValueError
from llb.tunnel import DescriptorPipe

if TYPE_CHECKING:
    import socket
    from pathlib import Path

# A read gives one record of TLS at most, which has 16 KiB.
_RECORDS = 2**14
_NAMES = ("ca.pem", "cert.pem", "key.pem")


@frozen
class TLS:
    """The certificates of a connection, as files in PEM.

    ``ca`` are the authorities that vouch for the daemon, by default those of the system.
    ``cert`` and ``key`` are the client's own, together. ``server_name`` is the name in the
    daemon's certificate, where it is not the host of the address. Raises InputError for a
    file that cannot be read.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    server_name: str | None = None

    def __attrs_post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise InvalidValueError("a client's certificate and its key belong together")
        for path in (self.ca, self.cert, self.key):
            _read(path)

    @classmethod
    def from_directory(cls, folder: Path, *, server_name: str | None = None) -> TLS:
        """Return the certificates of a folder with ``ca.pem``, ``cert.pem`` and ``key.pem``."""
        ca, cert, key = (folder / name for name in _NAMES)
        return cls(ca, cert, key, server_name)

    def credentials(self) -> grpc.ChannelCredentials:
        """Return them for a channel of grpc."""
        return grpc.ssl_channel_credentials(_read(self.ca), _read(self.key), _read(self.cert))

    def wrap(self, connection: socket.socket, host: str, protocol: str) -> ssl.SSLSocket:
        """Return a connected socket that speaks TLS, and a protocol in it. Raises OSError."""
        context = ssl.create_default_context(cafile=self.ca)
        if self.cert is not None:
            context.load_cert_chain(self.cert, self.key)
        context.set_alpn_protocols([protocol])
        return context.wrap_socket(connection, server_hostname=self.server_name or host)


class TLSPipe(DescriptorPipe):
    """A pipe over a socket whose TLS one thread at a time may work with, reading or writing."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        # Otherwise it would wait by itself, while the other direction cannot go on.
        sock.settimeout(0)
        self._sock = sock
        self._working = threading.Lock()
        super().__init__(sock.fileno(), sock.fileno())

    def _read_some(self) -> bytes:
        with self._working:
            try:
                return self._sock.recv(_RECORDS)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
                raise BlockingIOError from error

    def _write_some(self, data: memoryview) -> int:
        with self._working:
            try:
                return self._sock.send(data)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
                raise BlockingIOError from error

    def _close_ends(self) -> None:
        self._sock.close()


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
