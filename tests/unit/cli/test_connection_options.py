"""The options of every command that talks to a daemon: where it is, and its certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from llb.cli.connection_options import Connection
from llb.client import TLS
from llb.client.connect.fleet import ranked
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
    given = Connection(
        tlscacert=folder / "ca.pem",
        tlscert=folder / "cert.pem",
        tlskey=folder / "key.pem",
        tlsservername="name",
    )
    assert given._tls() == files
    assert Connection(tlsservername="name")._tls() == TLS(server_name="name")


def test_certificates_come_from_one_place(folder: Path) -> None:
    with pytest.raises(click.UsageError) as caught:
        Connection(tlsdir=folder, tlscacert=folder / "ca.pem")._tls()
    assert caught.value.message == "--tlsdir stands for the other files; give either"


def test_of_several_daemons_one_is_taken_always_for_the_same_key(
    fake_daemon: Callable[..., FakeDaemon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = [fake_daemon().address for _ in range(3)]
    fleet = [word for address in addresses for word in ("--addr", address)]

    def taken(*options: str) -> str:
        return llb("info", *fleet, *options).stdout.splitlines()[0].split()[1]

    for key in ("app", "web", "docs"):
        assert taken("--addr-key", key) == ranked(addresses, key)[0]
    monkeypatch.chdir(tmp_path)
    assert taken() == ranked(addresses, tmp_path.name)[0]
