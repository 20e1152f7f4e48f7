"""The connection options: addresses of daemons and TLS files."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click
import pytest

from llb.cli.connection_options import Connection
from llb.client import TLS
from llb.client.connect.fleet import ranked
from llb.gateway import Result
from tests.fakes.command import llb

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llb.testing.daemon import FakeDaemon


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_a_connection_without_certificates_has_no_tls() -> None:
    assert Connection()._tls() is None


def test_certificates_come_from_a_folder_or_from_files(folder: Path) -> None:
    files = TLS(folder / "ca.pem", folder / "cert.pem", folder / "key.pem", "name")
    assert Connection(tlsdir=folder, tlsservername="name")._tls() == files
    connection = Connection(
        tlscacert=folder / "ca.pem",
        tlscert=folder / "cert.pem",
        tlskey=folder / "key.pem",
        tlsservername="name",
    )
    assert connection._tls() == files
    assert Connection(tlsservername="name")._tls() == TLS(server_name="name")


def test_a_tls_folder_conflicts_with_tls_files(folder: Path) -> None:
    with pytest.raises(click.UsageError) as caught:
        Connection(tlsdir=folder, tlscacert=folder / "ca.pem")._tls()
    assert caught.value.message == "--tlsdir conflicts with --tlscacert, --tlscert and --tlskey"


def test_the_same_key_always_selects_the_same_daemon(
    fake_daemon: Callable[..., FakeDaemon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = [fake_daemon().address for _ in range(3)]
    fleet = [word for address in addresses for word in ("--addr", address)]

    def selected(*options: str) -> str:
        return llb("info", *fleet, *options).stdout.splitlines()[0].split()[1]

    for key in ("app", "web", "docs"):
        assert selected("--addr-key", key) == ranked(addresses, key)[0]
    monkeypatch.chdir(tmp_path)
    assert selected() == ranked(addresses, tmp_path.name)[0]


def test_options_before_the_command_choose_its_daemon(
    fake_daemon: Callable[..., FakeDaemon],
) -> None:
    first, second = fake_daemon().address, fake_daemon().address
    assert llb("--addr", first, "info").stdout.splitlines()[0].split()[1] == first
    assert (
        llb("--addr", first, "info", "--addr", second).stdout.splitlines()[0].split()[1] == second
    )
    ran = llb("--builder", "missing", "info")
    assert (ran.status, ran.stderr.splitlines()[0]) == (1, "error: unknown builder 'missing'")


@pytest.mark.parametrize("words", [("--debug", "info"), ("info", "-D")])
def test_debug_logs_what_the_client_does(
    fake_daemon: Callable[..., FakeDaemon], words: tuple[str, ...]
) -> None:
    logger, root = logging.getLogger("llb"), logging.getLogger()
    level, handlers = logger.level, list(root.handlers)
    try:
        ran = llb(*words, "--addr", fake_daemon().address)
        assert logger.level == logging.DEBUG
    finally:
        logger.setLevel(level)
        root.handlers[:] = handlers
    assert ran.status == 0


def test_a_build_for_several_platforms_is_shared_by_all_addresses(
    fake_daemon: Callable[..., FakeDaemon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(tmp_path)
    names = ("linux/amd64", "linux/arm64")
    frontends = {"dockerfile.v0": lambda _request, _gateway: Result()}
    daemons = [fake_daemon(platforms=[name], frontends=frontends) for name in names]
    fleet = [word for daemon in daemons for word in ("--addr", daemon.address)]
    process = llb("build", ".", *fleet, "--platform", ",".join(names), "--progress", "none")
    assert process.status == 0, process.stderr
    assert [
        [build.frontend_attrs["platform"] for build in daemon.builds] for daemon in daemons
    ] == [[name] for name in names]
    process = llb("build", ".", *fleet, "--platform", ",".join(names), "--load")
    assert process.status == 1
    assert "the results of several nodes cannot be loaded into Docker" in process.stderr
    assert "--push" in process.stderr
