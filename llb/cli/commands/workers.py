"""``llb workers``: list the daemon's workers."""

from __future__ import annotations

from typing import Any

import click

from llb.cli.connection_options import Connection, with_connection_options
from llb.cli.output_tables import JSON_LINES, to_json
from llb.cli.sections import Command
from llb.control_characters import escape


@click.command(cls=Command)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="FILTER",
    help="Filter, for example id==ID or labels.name==VALUE.",
)
@JSON_LINES
@with_connection_options
def workers(*, filters: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """List workers with their platforms and labels.

    A worker is the part of a daemon that runs steps. Most daemons have one.

    \b
    Examples:
      llb workers
      llb workers --json | jq -r '.platforms[]'
    """  # noqa: D301 - click wants the control character
    with Connection(**options).open() as client:
        for worker in client.workers(filters=filters):
            if as_json:
                click.echo(to_json(worker, labels=dict(worker.labels)))
                continue
            click.echo(escape(worker.id))
            click.echo(escape(f"  platforms  {', '.join(map(str, worker.platforms))}"))
            for key, value in worker.labels:
                click.echo(escape(f"  {key}={value}"))
