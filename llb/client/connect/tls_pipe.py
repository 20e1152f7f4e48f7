"""A socket that speaks TLS, as a pipe, and OpenSSL's errors in words."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING

from llb.errors import InputError, TransportError
from llb.grpc import DescriptorPipe

if TYPE_CHECKING:
    import socket

    from llb.client.connect.tls import TLS

# A read gives one record of TLS at most, which has 16 KiB.
_RECORDS = 2**14
_ALERT = "_ALERT_"
_CERTIFICATE = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")
# By the names that OpenSSL has for what went wrong, in its releases.
_WORDS = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the daemon wants a certificate of ours",
    "TLSV1_ALERT_NO_APPLICATION_PROTOCOL": "the daemon does not speak HTTP/2",
    "UNEXPECTED_EOF_WHILE_READING": "the connection was closed before it began",
    "WRONG_VERSION_NUMBER": "the daemon does not speak TLS",
    "RECORD_LAYER_FAILURE": "the daemon does not speak TLS",
    "HTTP_REQUEST": "the daemon does not speak TLS",
}


def tls_pipe(connection: socket.socket, tls: TLS, host: str, protocol: str) -> TLSPipe:
    """Return a pipe through TLS over a connected socket, which it owns from here on.

    ``protocol`` is what will be spoken in it, by its name in ALPN, and ``host`` whom the
    certificate is to name where ``tls`` does not say. Raises TransportError, and InputError
    for files that hold no certificates.
    """
    try:
        context = _context(tls)
        context.set_alpn_protocols([protocol])
        return TLSPipe(context.wrap_socket(connection, server_hostname=tls.server_name or host))
    except OSError as error:
        raise _failed(error) from error
    finally:
        # The pipe has taken its descriptor, and there is none where it failed.
        connection.close()


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
            # The daemon says only after the handshake that it does not take our certificate.
            except ssl.SSLError as error:
                raise _failed(error) from error

    def _write_some(self, data: memoryview) -> int:
        with self._working:
            try:
                return self._sock.send(data)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
                raise BlockingIOError from error
            except ssl.SSLError as error:
                raise _failed(error) from error

    def _close_ends(self) -> None:
        self._sock.close()


def _context(tls: TLS) -> ssl.SSLContext:
    context = _trusting(tls)
    # Since Python 3.13 this is set, and authorities are refused that Go and buildctl take.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if tls.cert is not None:
        try:
            # Without a password OpenSSL would ask the terminal for one.
            context.load_cert_chain(tls.cert, tls.key, password="")
        except OSError as error:
            raise InputError(
                f"cannot use {tls.cert} with {tls.key}: {_words(error)}",
                hint="both are PEM, and the key is that of the certificate",
            ) from error
    return context


def _trusting(tls: TLS) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=tls.ca)
    except OSError as error:
        raise InputError(
            f"cannot use {tls.ca}: {_words(error)}", hint="it holds certificates in PEM"
        ) from error


def _failed(error: OSError) -> TransportError:
    return TransportError(f"TLS: {_words(error)}")


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the daemon's certificate is refused: {error.verify_message.rstrip('.')}"
    if not isinstance(error, ssl.SSLError):
        return error.strerror or str(error)
    reason = error.reason
    if not reason:
        return "OpenSSL cannot read it"
    if reason in _WORDS:
        return _WORDS[reason]
    what = reason.rpartition(_ALERT)[2].replace("_", " ").lower()
    if _ALERT in reason and any(word in reason for word in _CERTIFICATE):
        return f"the daemon refuses our certificate: {what}"
    return what
