"""The options of every command that talks to a BuildKit: where it is, and its certificates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llb.client import TLS, Client

F_ = TypeVar("F_", bound="Callable[..., Any]")

_FILE = click.Path(dir_okay=False, path_type=Path)
_OPTIONS = (
    click.option(
        "--addr",
        "addrs",
        metavar="ADDRESS",
        multiple=True,
        help="Address of the BuildKit: unix://PATH, tcp://HOST:PORT, docker-container://NAME, "
        "ssh://HOST and others. Repeat it for several daemons.",
    ),
    click.option(
        "--addr-key",
        metavar="TEXT",
        help="Key that chooses one of several daemons; by default the name of the directory.",
    ),
    click.option("--tlscacert", type=_FILE, help="CA certificates to verify the daemon with."),
    click.option("--tlscert", type=_FILE, help="Client certificate."),
    click.option("--tlskey", type=_FILE, help="Key of the client certificate."),
    click.option(
        "--tlsdir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Directory with ca.pem, cert.pem and key.pem.",
    ),
    click.option(
        "--tlsservername", metavar="NAME", help="Host name to expect in the daemon's certificate."
    ),
)
NAMES = ("addrs", "addr_key", "tlscacert", "tlscert", "tlskey", "tlsdir", "tlsservername")


@frozen
class Connection:
    """What these options say."""

    addrs: tuple[str, ...] = ()
    addr_key: str | None = None
    tlscacert: Path | None = None
    tlscert: Path | None = None
    tlskey: Path | None = None
    tlsdir: Path | None = None
    tlsservername: str | None = None

    def open(self, platforms: Iterable[str] = ()) -> Client:
        """Return a client, of a fleet one that has the platforms where there is one.

        Raises what Client does, and UsageError.
        """
        # The client takes 60 ms to import, which `llb --help` should not wait for.
        from llb.client import Client  # noqa: PLC0415

        tls = self._tls()
        if len(self.addrs) <= 1:
            return Client(*self.addrs, tls=tls)
        # A name that other machines have for the same folder too.
        key = self.addr_key or Path.cwd().name
        return Client.any(self.addrs, key=key, platforms=platforms, tls=tls)

    def wait(self, seconds: float) -> Client:
        """Return a client of one BuildKit once it is there; raises as :meth:`open` does."""
        from llb.client import wait_for_ready  # noqa: PLC0415 - loads the client

        if len(self.addrs) > 1:
            raise click.UsageError("--wait is for one --addr")
        return wait_for_ready(*self.addrs, timeout=seconds, tls=self._tls())

    def _tls(self) -> TLS | None:
        files = (self.tlscacert, self.tlscert, self.tlskey)
        if self.tlsdir is None and self.tlsservername is None and not any(files):
            return None
        from llb.client import TLS  # noqa: PLC0415 - loads the client

        if self.tlsdir is not None:
            if any(files):
                raise click.UsageError("--tlsdir stands for the other files; give either")
            return TLS.from_directory(self.tlsdir, server_name=self.tlsservername)
        return TLS(*files, self.tlsservername)


def connecting(command: F_) -> F_:
    """Add the options to a command, which takes them by their names."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
