"""``llb dial-stdio``: connect standard input and output to the daemon."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from llb._lazy import lazy_imports
from llb.cli.connection_options import Connection, with_connection_options
from llb.cli.sections import Command
from llb.errors import TransportError

with lazy_imports(__name__):
    from llb import grpc  # 14 ms

if TYPE_CHECKING:
    from llb.grpc import Pipe


@click.command("dial-stdio", cls=Command)
@with_connection_options
def dial_stdio(**options: Any) -> None:
    """Connect standard input and output to the daemon.

    \b
    Example: ssh builder llb dial-stdio
    """  # noqa: D301 - click wants the control character
    with Connection(**options).open() as client:
        daemon = client.dial()
        stdio = grpc.stdio_pipe(sys.stdin.fileno(), sys.stdout.fileno())
        # A signal may arrive before the `try`; a daemon thread does not block the exit.
        responses = threading.Thread(target=_forward, args=(daemon, stdio), daemon=True)
        responses.start()
        try:
            _forward(stdio, daemon)
        finally:
            # After a signal, the thread would otherwise wait for the daemon.
            daemon.close()
            responses.join()


def _forward(source: Pipe, target: Pipe) -> None:
    """Copy bytes until either pipe ends, then close both."""
    with suppress(TransportError):
        while data := source.read():
            target.write(data)
    target.close()
    source.close()
