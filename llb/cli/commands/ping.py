"""``llb ping``: whether a BuildKit answers."""

from __future__ import annotations

from typing import Any

import click

from llb.cli.connection_options import Connection, connecting


@click.command()
@click.option("--wait", metavar="TIME", help="How long a BuildKit may take to come up, as 1m30s.")
@connecting
def ping(wait: str | None, **options: Any) -> None:
    """Check that a BuildKit answers.

    \b
    Examples:
      llb ping --addr docker-container://builder
      llb ping --wait 30s
    """  # noqa: D301 - click wants the control character
    # The client takes 60 ms to import, which `llb --help` should not wait for.
    from llb.client.usage import parse_age  # noqa: PLC0415

    connection = Connection(**options)
    reached = (
        connection.open() if wait is None else connection.wait(parse_age(wait).total_seconds())
    )
    with reached as client:
        click.echo(f"{client.address} answers in {client.ping() * 1000:.1f} ms")
