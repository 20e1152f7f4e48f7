"""A daemon that speaks TLS, and asks clients who they are."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llb import Local
from llb.client import TLS, Client, local
from llb.errors import ConnectError, InputError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Buildctl


def openssl(*arguments: str | Path, cwd: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A folder with an authority, and in `daemon` and `client` what it vouches for."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", cwd=folder)
    for name, alternative in (("daemon", "DNS:buildkit.example"), ("client", "DNS:client")):
        (folder / name).mkdir()
        (folder / name / "ca.pem").write_bytes((folder / "ca.pem").read_bytes())
        openssl(
            *(*new, "-keyout", f"{name}/key.pem", "-out", f"{name}/cert.pem"),
            *("-CA", "ca.pem", "-CAkey", "ca.key", "-subj", f"/CN={name}"),
            *("-addext", f"subjectAltName={alternative}"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            cwd=folder,
        )
    return folder


@pytest.fixture
def address(certificates: Path, start_buildkitd: Callable[..., Buildctl]) -> str:
    """The address of a daemon that wants certificates."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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
            Local("context"), local={"context": context}, exports=[local(tmp_path / "out")]
        )
    assert (tmp_path / "out" / "large").read_bytes() == content


@pytest.mark.feature("J2")
def test_the_command_line_takes_certificates(address: str, certificates: Path) -> None:
    folder = certificates / "client"
    command = [sys.executable, "-m", "llb", "info", "--addr", address]
    done = subprocess.run(
        [*command, "--tlsdir", folder, "--tlsservername", "buildkit.example"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"address   {address}" in done.stdout


@pytest.mark.feature("J2", "Q8")
def test_a_daemon_under_another_name_is_not_trusted(address: str, certificates: Path) -> None:
    with pytest.raises(ConnectError, match=r"TLS: .*127\.0\.0\.1"):
        Client(address, tls=TLS.from_directory(certificates / "client"))


@pytest.mark.feature("J2")
def test_a_client_without_a_certificate_is_not_served(address: str, certificates: Path) -> None:
    with pytest.raises(ConnectError):
        Client(address, tls=TLS(certificates / "ca.pem", server_name="buildkit.example"))
    with pytest.raises(ConnectError):
        Client(address)


@pytest.mark.feature("J2", "Q8")
def test_certificates_that_cannot_be_are_refused(certificates: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        TLS(Path("/none"))
    with pytest.raises(InvalidValueError, match="belong together"):
        TLS(cert=certificates / "client" / "cert.pem")
    with pytest.raises(InvalidValueError, match="TLS is for tcp://"):
        Client("unix:///none", tls=TLS())
