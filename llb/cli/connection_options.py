"""The connection options of every command that talks to a daemon: addresses and TLS files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from attrs import frozen

import llb.client
from llb.cli.sections import Section
from llb.local_files import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llb.client import Client

F_ = TypeVar("F_", bound="Callable[..., Any]")

_FILE = click.Path(dir_okay=False, path_type=Path)
_CONNECTION = Section("Connection")
_OPTIONS = (
    _CONNECTION.option(
        "--addr",
        "addrs",
        metavar="ADDRESS",
        multiple=True,
        help="Address of the daemon: unix://PATH, tcp://HOST:PORT, docker-container://NAME, "
        "ssh://HOST and others. Repeat it for several daemons.",
    ),
    _CONNECTION.option(
        "--builder",
        metavar="NAME",
        help="Builder to use, by its name; the same as --addr builder://NAME.",
    ),
    _CONNECTION.option(
        "--addr-key",
        metavar="TEXT",
        help="Key that chooses one of several daemons; by default the name of the directory.",
    ),
    _CONNECTION.option(
        "--tlscacert", type=_FILE, help="CA certificates to verify the daemon with."
    ),
    _CONNECTION.option("--tlscert", type=_FILE, help="Client certificate."),
    _CONNECTION.option("--tlskey", type=_FILE, help="Key of the client certificate."),
    _CONNECTION.option(
        "--tlsdir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Directory with ca.pem, cert.pem and key.pem.",
    ),
    _CONNECTION.option(
        "--tlsservername", metavar="NAME", help="Host name to expect in the daemon's certificate."
    ),
)
NAMES = (
    "addrs",
    "builder",
    "addr_key",
    "tlscacert",
    "tlscert",
    "tlskey",
    "tlsdir",
    "tlsservername",
)


@frozen
class Connection:
    """The values of the connection options."""

    addrs: tuple[str, ...] = ()
    builder: str | None = None
    addr_key: str | None = None
    tlscacert: Path | None = None
    tlscert: Path | None = None
    tlskey: Path | None = None
    tlsdir: Path | None = None
    tlsservername: str | None = None

    def open(self, platforms: Iterable[str] = ()) -> llb.client.Client:
        """Connect to the daemon; of several, prefer one that has the platforms.

        Raises the errors of Client, and UsageError.
        """
        tls = self._tls()
        addrs = self._addrs()
        if len(addrs) <= 1:
            return llb.client.Client(*addrs, tls=tls)
        # The same directory often has the same name on other machines, but another path.
        key = self.addr_key or paths.working_directory().name
        return llb.client.Client.any(addrs, key=key, platforms=platforms, tls=tls)

    def wait(self, seconds: float) -> Client:
        """Wait until the daemon is ready and connect; raises the errors of :meth:`open`."""
        addrs = self._addrs()
        if len(addrs) > 1:
            raise click.UsageError("--wait needs a single --addr")
        return llb.client.wait_for_ready(*addrs, timeout=seconds, tls=self._tls())

    def _addrs(self) -> tuple[str, ...]:
        if self.builder is None:
            return self.addrs
        if self.addrs:
            raise click.UsageError("--builder conflicts with --addr")
        return (f"builder://{self.builder}",)

    def _tls(self) -> llb.client.TLS | None:
        files = (self.tlscacert, self.tlscert, self.tlskey)
        if self.tlsdir is None and self.tlsservername is None and not any(files):
            return None

        if self.tlsdir is not None:
            if any(files):
                raise click.UsageError(
                    "--tlsdir conflicts with --tlscacert, --tlscert and --tlskey"
                )
            return llb.client.TLS.from_directory(self.tlsdir, server_name=self.tlsservername)
        return llb.client.TLS(*files, self.tlsservername)


def with_connection_options(command: F_) -> F_:
    """Decorate a command with the connection options, passed as keyword arguments."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
