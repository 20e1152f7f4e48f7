"""A TLS socket as a pipe, with OpenSSL's errors as readable messages."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING, TypeGuard

from llb.client.registry_auth import pem
from llb.errors import InputError, TransportError
from llb.grpc import DescriptorPipe

if TYPE_CHECKING:
    import socket

    from llb.client.connect.tls import TLS

# A read returns at most one TLS record, which has up to 16 KiB.
_RECORD_SIZE = 2**14
_ALERT = "_ALERT_"
_CERTIFICATE = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")
# Keyed by OpenSSL's names for errors, which differ between its releases.
_REASONS = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the daemon requires a client certificate",
    "TLSV1_ALERT_NO_APPLICATION_PROTOCOL": "the daemon does not speak HTTP/2",
    "UNEXPECTED_EOF_WHILE_READING": "the connection was closed during the handshake",
    "WRONG_VERSION_NUMBER": "the daemon does not speak TLS",
    "RECORD_LAYER_FAILURE": "the daemon does not speak TLS",
    "HTTP_REQUEST": "the daemon does not speak TLS",
}


def tls_pipe(connection: socket.socket, tls: TLS, host: str, protocol: str) -> TLSPipe:
    """Start TLS over a connected socket, which the returned pipe owns from then on.

    ``protocol`` is the protocol inside TLS, by its ALPN name, and ``host`` the name expected in the
    certificate unless ``tls`` sets another. Raises TransportError, and InputError for files that
    are not certificates.
    """
    try:
        context = _context(tls)
        context.set_alpn_protocols([protocol])
        return TLSPipe(context.wrap_socket(connection, server_hostname=tls.server_name or host))
    except OSError as error:
        raise _transport_error(error) from error
    finally:
        # The pipe has taken over the descriptor, or the handshake failed and it is unused.
        connection.close()


def has_tls(connection: socket.socket) -> TypeGuard[ssl.SSLSocket]:
    """Check whether a socket has started TLS."""
    return isinstance(connection, ssl.SSLSocket)


class TLSPipe(DescriptorPipe):
    """A pipe over a TLS socket, which only one thread at a time may use for reading or writing."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        # A blocking call would hold the lock while it waits, and block the other direction.
        sock.settimeout(0)
        self._sock = sock
        self._tls_lock = threading.Lock()
        super().__init__(sock.fileno(), sock.fileno())

    def _read_some(self) -> bytes:
        with self._tls_lock:
            try:
                return self._sock.recv(_RECORD_SIZE)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
                raise BlockingIOError from error
            # The daemon rejects a client certificate only after the handshake.
            except ssl.SSLError as error:
                raise _transport_error(error) from error

    def _write_some(self, data: memoryview) -> int:
        with self._tls_lock:
            try:
                return self._sock.send(data)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
                raise BlockingIOError from error
            except ssl.SSLError as error:
                raise _transport_error(error) from error

    def _close_ends(self) -> None:
        self._sock.close()


def _context(tls: TLS) -> ssl.SSLContext:
    context = _trust_context(tls)
    # Python 3.13 sets this flag, which rejects authorities that Go and buildctl accept.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if tls.cert is not None:
        try:
            pem.load_pair(context, tls.cert, tls.key)
        except OSError as error:
            cert, key = pem.name(tls.cert, "certificate"), pem.name(tls.key, "key")
            raise InputError(
                f"cannot use {cert} with {key}: {_reason_of(error)}",
                hint="both must be PEM, and the key must belong to the certificate",
            ) from error
    return context


def _trust_context(tls: TLS) -> ssl.SSLContext:
    try:
        return pem.client_context(tls.ca)
    except OSError as error:
        name = pem.name(tls.ca, "certificate authorities")
        raise InputError(
            f"cannot use {name}: {_reason_of(error)}", hint="expected certificates in PEM"
        ) from error


def _transport_error(error: OSError) -> TransportError:
    return TransportError(f"TLS: {_reason_of(error)}")


def _reason_of(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"invalid daemon certificate: {error.verify_message.rstrip('.')}"
    if not isinstance(error, ssl.SSLError):
        return error.strerror or str(error)
    reason = error.reason
    if not reason:
        return "OpenSSL cannot read the file"
    if reason in _REASONS:
        return _REASONS[reason]
    alert = reason.rpartition(_ALERT)[2].replace("_", " ").lower()
    if _ALERT in reason and any(word in reason for word in _CERTIFICATE):
        return f"the daemon rejected the client certificate: {alert}"
    return alert
