"""``llb dial-stdio``: standard input and output as a connection to a BuildKit."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from llb.cli.connection_options import Connection, connecting
from llb.errors import TransportError

if TYPE_CHECKING:
    from llb.grpc import Pipe


@click.command("dial-stdio")
@connecting
def dial_stdio(**options: Any) -> None:
    """Connect standard input and output to a BuildKit.

    \b
    Example: ssh builder llb dial-stdio
    """  # noqa: D301 - click wants the control character
    # The client takes 60 ms to import, which `llb --help` should not wait for.
    from llb.grpc import stdio_pipe  # noqa: PLC0415

    with Connection(**options).open() as client:
        theirs = client.dial()
        ours = stdio_pipe(sys.stdin.fileno(), sys.stdout.fileno())
        # Who is told to stop before the next line is over does not wait for it either.
        answering = threading.Thread(target=_pass_on, args=(theirs, ours), daemon=True)
        answering.start()
        try:
            _pass_on(ours, theirs)
        finally:
            # Whoever is told to stop would wait for the thread, and that for the daemon.
            theirs.close()
            answering.join()


def _pass_on(source: Pipe, target: Pipe) -> None:
    """Pass bytes on until either pipe ends, and end the other one."""
    with suppress(TransportError):
        while data := source.read():
            target.write(data)
    target.close()
    source.close()
