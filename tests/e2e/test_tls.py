"""A daemon with mutual TLS."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import Local, Scratch
from llb.client import TLS, Client, local
from llb.errors import ConnectError, InputError, InvalidValueError
from tests.e2e.conftest import openssl
from tests.e2e.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Buildctl

RESET = "Connection reset by peer"
# The configuration of `openssl ca`, because `openssl req` cannot set dates in the past.
AUTHORITY = """\
[ca]
default_ca = here
[here]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


def expire(folder: Path, name: str) -> None:
    """Replace a certificate by an expired one."""
    (folder / "index").touch()
    (folder / "ca.cnf").write_text(AUTHORITY)
    files = ("-cert", "ca.pem", "-keyfile", "ca.key", "-in", f"{name}.csr")
    ask = ("req", "-new", "-key", f"{name}/key.pem", "-subj", f"/CN={name}")
    alternative = "subjectAltName=DNS:buildkit.example"
    openssl(*ask, "-addext", alternative, "-out", f"{name}.csr", cwd=folder)
    dates = ("-startdate", "20200101000000Z", "-enddate", "20200102000000Z")
    openssl(
        *("ca", "-batch", "-notext", "-config", "ca.cnf", *files, *dates),
        *("-out", f"{name}/cert.pem"),
        cwd=folder,
    )


@pytest.fixture
def address(certificates: Path, start_buildkitd: Callable[..., Buildctl]) -> str:
    """The address of a daemon that requires client certificates."""
    port = free_port()
    start_buildkitd("--port", str(port), "--tls", certificates / "daemon")
    return f"tcp://127.0.0.1:{port}"


@pytest.mark.feature("J2")
def test_a_build_goes_through_tls(address: str, certificates: Path, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    content = bytes(range(256)) * 40_000
    (context / "large").write_bytes(content)
    tls = TLS.from_directory(certificates / "client", server_name="buildkit.example")
    with Client(address, tls=tls) as client:
        client.solve(
            Local("context"), local_dirs={"context": context}, exports=[local(tmp_path / "out")]
        )
    assert (tmp_path / "out" / "large").read_bytes() == content


@pytest.mark.feature("J2")
def test_the_command_line_takes_certificates(address: str, certificates: Path) -> None:
    folder = certificates / "client"
    command = [sys.executable, "-m", "llb", "info", "--addr", address]
    process = subprocess.run(
        [*command, "--tlsdir", folder, "--tlsservername", "buildkit.example"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert f"address   {address}" in process.stdout


def connect_error(address: str, tls: TLS | None) -> str:
    """Connect, which must fail; return the reason."""
    with pytest.raises(ConnectError) as caught:
        Client(address, tls=tls)
    return caught.value.message.removeprefix(f"no BuildKit answers at {address}: ")


@pytest.mark.feature("J2", "Q8")
def test_a_daemon_under_another_name_is_not_trusted(address: str, certificates: Path) -> None:
    assert connect_error(address, TLS.from_directory(certificates / "client")) == (
        "TLS: invalid daemon certificate: IP address mismatch, certificate is not valid "
        "for '127.0.0.1'"
    )


@pytest.mark.feature("J2", "Q8")
def test_a_daemon_certificate_of_another_authority_is_not_trusted(
    address: str, certificates: Path
) -> None:
    tls = TLS(certificates / "other.pem", server_name="buildkit.example")
    assert connect_error(address, tls) == (
        "TLS: invalid daemon certificate: unable to get local issuer certificate"
    )


@pytest.mark.feature("J2", "Q8")
def test_an_expired_certificate_of_either_side_is_an_error(
    address: str, certificates: Path, start_buildkitd: Callable[..., Buildctl]
) -> None:
    name = "buildkit.example"
    expire(certificates, "client")
    assert connect_error(
        address, TLS.from_directory(certificates / "client", server_name=name)
    ) == ("TLS: the daemon rejected the client certificate: certificate expired")
    expire(certificates, "daemon")
    port = free_port()
    start_buildkitd("--port", str(port), "--tls", certificates / "daemon")
    assert connect_error(
        f"tcp://127.0.0.1:{port}", TLS(certificates / "ca.pem", server_name=name)
    ) == ("TLS: invalid daemon certificate: certificate has expired")


@pytest.mark.feature("J2")
def test_a_client_without_a_certificate_is_not_served(address: str, certificates: Path) -> None:
    tls = TLS(certificates / "ca.pem", server_name="buildkit.example")
    assert connect_error(address, tls) == "TLS: the daemon requires a client certificate"
    stranger = TLS(
        certificates / "ca.pem",
        certificates / "other.pem",
        certificates / "other.key",
        "buildkit.example",
    )
    assert connect_error(address, stranger).startswith(
        "TLS: the daemon rejected the client certificate: "
    )


def test_tls_on_one_side_only_is_an_error(
    address: str, buildkit_tcp: str, certificates: Path
) -> None:
    # Go closes such a connection without reading the pending data.
    assert connect_error(address, None) in {"it does not answer", "reading failed: " + RESET}
    tls = TLS.from_directory(certificates / "client")
    assert connect_error(buildkit_tcp, tls) == "TLS: the daemon does not speak TLS"


def test_a_connection_that_ends_within_tls_is_an_error(certificates: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def close() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=close)
        thread.start()
        address = "tcp://127.0.0.1:{1}".format(*server.getsockname())
        tls = TLS.from_directory(certificates / "client")
        assert connect_error(address, tls).startswith("TLS: ")
        thread.join()


@pytest.mark.feature("J2", "Q8")
def test_invalid_certificate_settings_are_refused(certificates: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        TLS(Path("/none"))
    with pytest.raises(InvalidValueError, match="needs both cert and key"):
        TLS(cert=certificates / "client" / "cert.pem")
    with pytest.raises(InvalidValueError, match="TLS is for tcp://"):
        Client("unix:///none", tls=TLS())


def test_invalid_certificate_files_are_refused_before_connecting(
    buildkit_tcp: str, certificates: Path
) -> None:
    text_file = certificates / "text.pem"
    text_file.write_text("no certificate")
    client, other_key = certificates / "client", certificates / "other.key"
    for tls, message in (
        (TLS(text_file), f"cannot use {text_file}: no certificate or crl found"),
        (
            TLS(None, text_file, other_key),
            f"cannot use {text_file} with {other_key}: OpenSSL cannot read the file",
        ),
        (
            TLS(None, client / "cert.pem", other_key),
            f"cannot use {client / 'cert.pem'} with {other_key}: key values mismatch",
        ),
    ):
        with pytest.raises(InputError) as caught:
            Client(buildkit_tcp, tls=tls)
        assert caught.value.message == message


@pytest.mark.feature("J13")
def test_certificates_may_be_bytes(address: str, certificates: Path, tmp_path: Path) -> None:
    client_folder = certificates / "client"
    ca, cert, key = (
        (client_folder / name).read_bytes() for name in ("ca.pem", "cert.pem", "key.pem")
    )
    with Client(address, tls=TLS(ca, cert, key, "buildkit.example")) as client:
        client.solve(Scratch().mkfile("/a", "x"), exports=[local(tmp_path / "out")])
    assert (tmp_path / "out" / "a").read_text() == "x"


@pytest.mark.feature("J13")
def test_tls_goes_through_a_dialer(address: str, certificates: Path, tmp_path: Path) -> None:
    tls = TLS.from_directory(certificates / "client", server_name="buildkit.example")
    port = int(address.rpartition(":")[2])

    def dial() -> socket.socket:
        return socket.create_connection(("127.0.0.1", port))

    for addr in ("tcp://builder.invalid:1234", None):
        with Client(addr, tls=tls, dialer=dial) as client:
            client.solve(Scratch().mkfile("/a", "x"), exports=[local(tmp_path / "out")])
    assert (tmp_path / "out" / "a").read_text() == "x"
