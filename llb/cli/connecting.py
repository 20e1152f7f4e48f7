"""The options of every command that talks to a BuildKit: where it is, and its certificates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.client import Client

F_ = TypeVar("F_", bound="Callable[..., Any]")

_FILE = click.Path(dir_okay=False, path_type=Path)
_OPTIONS = (
    click.option("--addr", metavar="ADDRESS", help="The BuildKit: unix://PATH or tcp://HOST:PORT."),
    click.option("--tlscacert", type=_FILE, help="The authorities that vouch for it."),
    click.option("--tlscert", type=_FILE, help="The certificate that it asks for."),
    click.option("--tlskey", type=_FILE, help="The key of that certificate."),
    click.option(
        "--tlsdir",
        type=click.Path(file_okay=False, path_type=Path),
        help="A folder with ca.pem, cert.pem and key.pem.",
    ),
    click.option("--tlsservername", metavar="NAME", help="The name in its certificate."),
)
NAMES = ("addr", "tlscacert", "tlscert", "tlskey", "tlsdir", "tlsservername")


@frozen
class Connection:
    """What these options say."""

    addr: str | None = None
    tlscacert: Path | None = None
    tlscert: Path | None = None
    tlskey: Path | None = None
    tlsdir: Path | None = None
    tlsservername: str | None = None

    def open(self) -> Client:
        """Return a client. Raises what Client does, and UsageError."""
        # grpc costs 100 ms to import, which `llb --help` should not wait for.
        from llb.client import TLS, Client  # noqa: PLC0415

        files = (self.tlscacert, self.tlscert, self.tlskey)
        if self.tlsdir is not None:
            if any(files):
                raise click.UsageError("--tlsdir stands for the other files; give either")
            tls = TLS.from_directory(self.tlsdir, server_name=self.tlsservername)
            return Client(self.addr, tls=tls)
        has_tls = any(files) or self.tlsservername is not None
        return Client(self.addr, tls=TLS(*files, self.tlsservername) if has_tls else None)


def connecting(command: F_) -> F_:
    """Add the options to a command, which takes them by their names."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
