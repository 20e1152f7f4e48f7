"""``llb daemon``: the private BuildKit, started when it is needed."""

from __future__ import annotations

import click


@click.group()
def daemon() -> None:
    """Start, stop and look at the private BuildKit.

    It is started by itself when no other is found, and stops after ten minutes without
    a client, or after as many seconds as LLB_DAEMON_IDLE says.
    """


@daemon.command()
def start() -> None:
    """Start it, and print its address."""
    from llb.client import daemon as private  # noqa: PLC0415 - loads grpc

    click.echo(private.start())


@daemon.command()
def stop() -> None:
    """Stop it."""
    from llb.client import daemon as private  # noqa: PLC0415 - loads grpc

    click.echo("stopped" if private.stop() else "it did not run")


@daemon.command()
def status() -> None:
    """Print whether it runs, and where it keeps what it has."""
    from llb.client import daemon as private  # noqa: PLC0415 - loads grpc

    place = private.Place.default()
    pid = private.running(place)
    click.echo(f"status   {'stopped' if pid is None else f'running, process {pid}'}")
    click.echo(f"address  {place.address}")
    click.echo(f"state    {place.folder}")
    click.echo(f"log      {place.log}")
