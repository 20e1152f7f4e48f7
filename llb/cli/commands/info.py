"""``llb info``: show the daemon's version and address."""

from __future__ import annotations

from typing import Any

import click

from llb.cli.connection_options import Connection, with_connection_options
from llb.cli.output_tables import JSON, to_json
from llb.cli.sections import Command
from llb.control_characters import escape


@click.command(cls=Command)
@JSON
@with_connection_options
def info(*, as_json: bool, **options: Any) -> None:
    """Show the daemon's version and address.

    \b
    Example: llb info --addr unix:///run/buildkit/buildkitd.sock
    """  # noqa: D301 - click wants the control character
    with Connection(**options).open() as client:
        daemon_info = client.info()
        if as_json:
            click.echo(to_json(daemon_info, indent=2))
            return
        click.echo(f"address   {client.address}")
        click.echo(escape(f"package   {daemon_info.package}"))
        click.echo(escape(f"version   {daemon_info.version}"))
        click.echo(escape(f"revision  {daemon_info.revision}"))
