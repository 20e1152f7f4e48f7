"""``llb ping``: check that the daemon answers."""

from __future__ import annotations

from typing import Any

import click

from llb._lazy import lazy_imports
from llb.cli.connection_options import Connection, with_connection_options
from llb.cli.sections import Command

with lazy_imports(__name__):
    from llb.client import usage  # 2 ms


@click.command(cls=Command)
@click.option("--wait", metavar="TIME", help="Wait this long for the daemon, for example 1m30s.")
@with_connection_options
def ping(wait: str | None, **options: Any) -> None:
    """Check that the daemon answers.

    \b
    Examples:
      llb ping --addr docker-container://builder
      llb ping --wait 30s
    """  # noqa: D301 - click wants the control character
    connection = Connection(**options)
    opened = (
        connection.open()
        if wait is None
        else connection.wait(usage.parse_age(wait).total_seconds())
    )
    with opened as client:
        click.echo(f"{client.address} answers in {client.ping() * 1000:.1f} ms")
