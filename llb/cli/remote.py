"""``llb ping``, ``llb info`` and ``llb workers``: look at a BuildKit."""

from __future__ import annotations

from typing import Any

import click

from llb.cli.connecting import Connection, connecting
from llb.cli.records import JSON, JSON_LINES, to_json


@click.command()
@click.option("--wait", metavar="TIME", help="How long a BuildKit may take to come up, as 1m30s.")
@connecting
def ping(wait: str | None, **options: Any) -> None:
    """Say whether a BuildKit answers, and how fast.

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


@click.command()
@JSON
@connecting
def info(*, as_json: bool, **options: Any) -> None:
    """Print which BuildKit answers, and where.

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


@click.command()
@click.option(
    "--filter", "filters", multiple=True, metavar="FILTER", help="As id==ID or labels.name==VALUE."
)
@JSON_LINES
@connecting
def workers(*, filters: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Print what runs steps: worker, platforms and labels.

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
            click.echo(worker.id)
            click.echo(f"  platforms  {', '.join(map(str, worker.platforms))}")
            for key, value in worker.labels:
                click.echo(f"  {key}={value}")
