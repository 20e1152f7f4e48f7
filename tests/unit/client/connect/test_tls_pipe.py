"""A TLS connection is a pipe, and its errors are readable."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from llb.client.connect.sockets import dial, dial_with
from llb.client.connect.tls import TLS
from llb.client.connect.tls_pipe import tls_pipe
from llb.client.registry_auth.pem import client_context
from llb.errors import InputError, InvalidValueError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llb.client.connect.tls_pipe import TLSPipe

HOST = "buildkit.example"


def openssl(*arguments: str | Path, cwd: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two certificate authorities, with certificates of the first for the daemon and the client."""
    folder = tmp_path_factory.mktemp("certificates")
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "other"):
        files = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
        openssl(*new, *files, "-subj", f"/CN={name}", cwd=folder)
    for name, authority in (("daemon", "ca"), ("client", "ca"), ("stranger", "other")):
        openssl(
            *(*new, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}"),
            *("-CA", f"{authority}.pem", "-CAkey", f"{authority}.key"),
            *("-addext", f"subjectAltName=DNS:{HOST}"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            cwd=folder,
        )
    return folder


class Daemon:
    """A TLS server that echoes what it receives."""

    def __init__(self, folder: Path, *, requires_certificate: bool = False) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "daemon.pem", folder / "daemon.key")
        self.context.set_alpn_protocols(["h2"])
        if requires_certificate:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(folder / "ca.pem")
        self.protocols: list[str | None] = []

    def serve(self, connection: socket.socket) -> None:
        with suppress(OSError), self.context.wrap_socket(connection, server_side=True) as stream:
            self.protocols.append(stream.selected_alpn_protocol())
            while data := stream.recv(2**14):
                stream.sendall(data)


@pytest.fixture
def connect() -> Iterator[Callable[..., TLSPipe]]:
    """Connect to a server function, and close everything at the end."""
    pipes: list[TLSPipe] = []
    threads: list[threading.Thread] = []

    def connect(serve: Callable[[socket.socket], None], tls: TLS, *, host: str = HOST) -> TLSPipe:
        here, there = socket.socketpair()
        threads.append(threading.Thread(target=serve, args=(there,)))
        threads[-1].start()
        pipes.append(tls_pipe(here, tls, host, "h2"))
        return pipes[-1]

    yield connect
    for pipe in pipes:
        pipe.close()
    for thread in threads:
        thread.join()


def read(pipe: TLSPipe, size: int) -> bytes:
    data = b""
    while len(data) < size and (part := pipe.read()):
        data += part
    return data


def refusal(connect: Callable[[], object]) -> str:
    """Connect, and return the reason for the failure."""
    with pytest.raises(TransportError) as caught:
        connect()
    return caught.value.message


def test_bytes_go_both_ways(connect: Callable[..., TLSPipe], folder: Path) -> None:
    daemon = Daemon(folder, requires_certificate=True)
    tls = TLS(folder / "ca.pem", folder / "client.pem", folder / "client.key")
    pipe = connect(daemon.serve, tls)
    content = bytes(range(256)) * 8_000
    writer = threading.Thread(target=pipe.write, args=(content,))
    writer.start()
    assert read(pipe, len(content)) == content
    writer.join()
    assert daemon.protocols == ["h2"]


def test_the_name_in_a_certificate_may_differ_from_the_host(
    connect: Callable[..., TLSPipe], folder: Path
) -> None:
    tls = TLS(folder / "ca.pem", server_name=HOST)
    pipe = connect(Daemon(folder).serve, tls, host="10.0.0.1")
    pipe.write(b"hello")
    assert read(pipe, 5) == b"hello"


def test_closing_ends_a_waiting_read(connect: Callable[..., TLSPipe], folder: Path) -> None:
    pipe = connect(Daemon(folder).serve, TLS(folder / "ca.pem"))
    pipe.write(b"x")
    assert pipe.read() == b"x"
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read()))
    reader.start()
    pipe.close()
    reader.join()
    assert received == [b""]
    with pytest.raises(TransportError, match="pipe is closed"):
        pipe.write(b"x")


def test_a_daemon_with_another_name_is_refused(
    connect: Callable[..., TLSPipe], folder: Path
) -> None:
    tls = TLS(folder / "ca.pem")
    assert refusal(lambda: connect(Daemon(folder).serve, tls, host="other.example")) == (
        "TLS: invalid daemon certificate: Hostname mismatch, certificate is not valid for "
        "'other.example'"
    )


def test_a_daemon_of_another_authority_is_refused(
    connect: Callable[..., TLSPipe], folder: Path
) -> None:
    tls = TLS(folder / "other.pem")
    assert refusal(lambda: connect(Daemon(folder).serve, tls)) == (
        "TLS: invalid daemon certificate: unable to get local issuer certificate"
    )


def answering(data: bytes) -> Callable[[socket.socket], None]:
    """Build a server that reads once, and sends these bytes."""

    def serve(connection: socket.socket) -> None:
        # The client may have rejected its own files and disconnected.
        with suppress(OSError), connection:
            connection.recv(2**14)
            connection.sendall(data)

    return serve


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "TLS: the daemon does not speak TLS"),
        (b"", "TLS: the connection was closed during the handshake"),
        # Fatal alerts of a server, with their numbers from RFC 8446.
        (b"\x15\x03\x03\x00\x02\x02\x28", "TLS: handshake failure"),
        (
            b"\x15\x03\x03\x00\x02\x02\x30",
            "TLS: the daemon rejected the client certificate: unknown ca",
        ),
    ],
)
def test_tls_errors_of_a_daemon_are_readable(
    connect: Callable[..., TLSPipe], folder: Path, data: bytes, message: str
) -> None:
    tls = TLS(folder / "ca.pem")
    assert refusal(lambda: connect(answering(data), tls)) == message


def test_a_required_client_certificate_is_an_error_after_the_handshake(
    connect: Callable[..., TLSPipe], folder: Path
) -> None:
    serve = Daemon(folder, requires_certificate=True).serve
    pipe = connect(serve, TLS(folder / "ca.pem"))
    assert refusal(pipe.read) == "TLS: the daemon requires a client certificate"
    stranger = TLS(folder / "ca.pem", folder / "stranger.pem", folder / "stranger.key")
    refused = connect(serve, stranger)
    assert refusal(refused.read) == "TLS: the daemon rejected the client certificate: unknown ca"


@pytest.mark.parametrize(
    ("tls", "message"),
    [
        (("empty", None, None), "cannot use {}/empty: no certificate or crl found"),
        (
            ("ca.pem", "client.pem", "daemon.key"),
            "cannot use {0}/client.pem with {0}/daemon.key: key values mismatch",
        ),
    ],
)
def test_files_without_certificates_are_refused(
    connect: Callable[..., TLSPipe],
    folder: Path,
    tls: tuple[str | None, ...],
    message: str,
) -> None:
    (folder / "empty").write_text("nothing")
    ca, cert, key = (None if name is None else folder / name for name in tls)
    with pytest.raises(InputError) as caught:
        connect(answering(b""), TLS(ca, cert, key))
    assert caught.value.message == message.format(folder)


def test_a_daemon_is_dialed_by_its_address(folder: Path) -> None:
    daemon = Daemon(folder)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=lambda: daemon.serve(listener.accept()[0]))
        serving.start()
        tls = TLS(folder / "ca.pem", server_name=HOST)
        pipe = dial(f"tcp://127.0.0.1:{listener.getsockname()[1]}", tls)
        pipe.write(b"hello")
        assert pipe.read() == b"hello"
        pipe.close()
        serving.join()


def test_certificates_may_be_bytes(connect: Callable[..., TLSPipe], folder: Path) -> None:
    ca, cert, key = (
        (folder / name).read_bytes() for name in ("ca.pem", "client.pem", "client.key")
    )
    pipe = connect(Daemon(folder, requires_certificate=True).serve, TLS(ca, cert, key))
    pipe.write(b"hello")
    assert read(pipe, 5) == b"hello"


def test_certificates_in_bytes_and_files_may_be_mixed(
    connect: Callable[..., TLSPipe], folder: Path
) -> None:
    tls = TLS(str(folder / "ca.pem"), folder / "client.pem", (folder / "client.key").read_bytes())
    pipe = connect(Daemon(folder, requires_certificate=True).serve, tls)
    pipe.write(b"hello")
    assert read(pipe, 5) == b"hello"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((b"-----BEGIN CERTIFICATE-----\n\xff", None, None), "cannot use the certificate authorities: "),
        ((None, "client.pem", "daemon.key"), "cannot use the certificate with the key: key values mismatch"),
    ],
)  # fmt: skip
def test_unusable_bytes_are_refused_without_their_content(
    connect: Callable[..., TLSPipe],
    folder: Path,
    names: tuple[str | bytes | None, ...],
    message: str,
) -> None:
    ca, cert, key = (
        (folder / name).read_bytes() if isinstance(name, str) else name for name in names
    )
    with pytest.raises(InputError) as caught:
        connect(answering(b""), TLS(ca, cert, key))
    assert caught.value.message.startswith(message)
    assert "BEGIN" not in caught.value.message


def test_a_dialer_may_start_tls_or_leave_it_to_the_client(folder: Path) -> None:
    tls = TLS(folder / "ca.pem")
    context = client_context(folder / "ca.pem")
    context.set_alpn_protocols(["h2"])
    for starts_tls in (True, False):
        here, there = socket.socketpair()
        daemon = Daemon(folder)
        serving = threading.Thread(target=daemon.serve, args=(there,))
        serving.start()
        if starts_tls:
            stream = context.wrap_socket(here, server_hostname=HOST)
            with pytest.raises(InvalidValueError, match="so tls must be None"):
                dial_with(lambda stream=stream: stream, tls, HOST)  # type: ignore[misc]
            pipe = dial_with(lambda stream=stream: stream, None, "")  # type: ignore[misc]
        else:
            pipe = dial_with(lambda here=here: here, tls, HOST)  # type: ignore[misc]
        pipe.write(b"hello")
        assert pipe.read() == b"hello"
        assert daemon.protocols == ["h2"]
        pipe.close()
        serving.join()
