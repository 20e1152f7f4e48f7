"""``llb info`` and ``llb workers``: look at a BuildKit."""

from __future__ import annotations

import click

_ADDR = click.option("--addr", metavar="ADDRESS", help="unix://PATH or tcp://HOST:PORT.")


@click.command()
@_ADDR
def info(addr: str | None) -> None:
    """Print which BuildKit answers, and where.

    \b
    Example: llb info --addr unix:///run/buildkit/buildkitd.sock
    """  # noqa: D301 - click wants the control character
    from llb.client import Client  # noqa: PLC0415 - loads grpc

    with Client(addr) as client:
        found = client.info()
        click.echo(f"address   {client.address}")
        click.echo(f"package   {found.package}")
        click.echo(f"version   {found.version}")
        click.echo(f"revision  {found.revision}")


@click.command()
@_ADDR
def workers(addr: str | None) -> None:
    """Print what runs steps: worker, platforms and labels.

    \b
    Example: llb workers
    """  # noqa: D301 - click wants the control character
    from llb.client import Client  # noqa: PLC0415 - loads grpc

    with Client(addr) as client:
        for worker in client.workers():
            click.echo(worker.id)
            click.echo(f"  platforms  {', '.join(map(str, worker.platforms))}")
            for key, value in worker.labels:
                click.echo(f"  {key}={value}")
