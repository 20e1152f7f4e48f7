"""The connection options of every command that talks to a daemon: addresses and TLS files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from attrs import frozen

import llb.client
from llb._lazy import lazy_imports
from llb.cli.sections import Section
from llb.client.connect.fleet import ranked
from llb.local_files import paths

with lazy_imports(__name__):
    import logging  # 0.0 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llb.client import Client

F_ = TypeVar("F_", bound="Callable[..., Any]")

_FILE = click.Path(dir_okay=False, path_type=Path)
_CONNECTION = Section("Connection")
_DISPLAY = Section("Display and information")


def or_global(context: click.Context, parameter: click.Parameter, value: object) -> object:
    """Use the option before the command, unless the command itself has one."""
    if value not in (None, ()) or context.obj is None or parameter.name is None:
        return value
    return context.obj.get(parameter.name, value)


def _debug(context: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: ARG001, FBT001 - click's signature
    """Log to standard error what the client does."""
    if value:
        logging.basicConfig(stream=sys.stderr, format="debug: %(name)s: %(message)s")
        logging.getLogger("llb").setLevel(logging.DEBUG)


_OPTIONS = (
    _CONNECTION.repeatable(
        "--addr",
        "addrs",
        metavar="ADDRESS",
        callback=or_global,
        help="Address of the daemon: unix://PATH, tcp://HOST:PORT, docker-container://NAME, "
        "ssh://HOST and others. Repeat it for several daemons, which share a build for several "
        "platforms.",
    ),
    _CONNECTION.option(
        "--builder",
        metavar="NAME",
        callback=or_global,
        help="Builder to use, by its name; the same as --addr builder://NAME.",
    ),
    _CONNECTION.option(
        "--addr-key",
        metavar="TEXT",
        callback=or_global,
        help="Key that chooses one of several daemons; by default the name of the directory.",
    ),
    _CONNECTION.option(
        "--tlscacert",
        type=_FILE,
        callback=or_global,
        help="CA certificates to verify the daemon with.",
    ),
    _CONNECTION.option("--tlscert", type=_FILE, callback=or_global, help="Client certificate."),
    _CONNECTION.option(
        "--tlskey", type=_FILE, callback=or_global, help="Key of the client certificate."
    ),
    _CONNECTION.option(
        "--tlsdir",
        type=click.Path(file_okay=False, path_type=Path),
        callback=or_global,
        help="Directory with ca.pem, cert.pem and key.pem.",
    ),
    _CONNECTION.option(
        "--tlsservername",
        metavar="NAME",
        callback=or_global,
        help="Host name to expect in the daemon's certificate.",
    ),
    _DISPLAY.option(
        "-D",
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=_debug,
        help="Log what the client does, to standard error.",
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
        """Connect to the daemon; of several, one that has the platform, or all for several.

        Raises the errors of Client, and UsageError.
        """
        tls = self._tls()
        addrs = self._addrs()
        if len(addrs) <= 1:
            return llb.client.Client(*addrs, tls=tls)
        # The same directory often has the same name on other machines, but another path.
        key = self.addr_key or paths.working_directory().name
        platforms = tuple(platforms)
        if len(platforms) > 1:
            return llb.client.Client(ranked(addrs, key), tls=tls)
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
    """Decorate a command with the connection options, passed as keyword arguments.

    Those before the command, of the group of all commands, apply if the command has none itself.
    """
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
