"""``llb ping``: check that the daemon answers."""

from __future__ import annotations

from typing import Any

import click

from llb.cli.connection_options import Connection, with_connection_options


@click.command()
@click.option("--wait", metavar="TIME", help="Wait this long for the daemon, for example 1m30s.")
@with_connection_options
def ping(wait: str | None, **options: Any) -> None:
    """Check that the daemon answers.

    \b
    Examples:
      llb ping --addr docker-container://builder
      llb ping --wait 30s
    """  # noqa: D301 - click wants the control character
    # The client takes 60 ms to import, which `llb --help` should not wait for.
    from llb.client.usage import parse_age  # noqa: PLC0415

    connection = Connection(**options)
    opened = connection.open() if wait is None else connection.wait(parse_age(wait).total_seconds())
    with opened as client:
        click.echo(f"{client.address} answers in {client.ping() * 1000:.1f} ms")
