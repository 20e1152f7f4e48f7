"""``llb info``: which BuildKit answers."""

from __future__ import annotations

from typing import Any

import click

from llb.cli.connection_options import Connection, connecting
from llb.cli.output_tables import JSON, to_json


@click.command()
@JSON
@connecting
def info(*, as_json: bool, **options: Any) -> None:
    """Show the daemon's version and address.

    \b
    Example: llb info --addr unix:///run/buildkit/buildkitd.sock
    """  # noqa: D301 - click wants the control character
    with Connection(**options).open() as client:
        found = client.info()
        if as_json:
            click.echo(to_json(found, indent=2))
            return
        click.echo(f"address   {client.address}")
        click.echo(f"package   {found.package}")
        click.echo(f"version   {found.version}")
        click.echo(f"revision  {found.revision}")
