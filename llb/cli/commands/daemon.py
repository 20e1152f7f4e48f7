"""``llb daemon``: a BuildKit of one's own, private or in a container of Docker's."""

from __future__ import annotations

import click

_CONTAINER = click.option(
    "--container", metavar="NAME", help="Use a BuildKit in a Docker container of this name."
)


@click.group()
def daemon() -> None:
    """Manage a BuildKit daemon of your own.

    The private one is started by itself when no other is found, and stops after ten minutes
    without a client, or after as many seconds as LLB_DAEMON_IDLE says.
    """


@daemon.command()
@_CONTAINER
@click.option("--image", metavar="REF", help="Image of the container.  [moby/buildkit]")
@click.option("--network", metavar="NAME", help="Network of the container, as for docker run.")
def start(container: str | None, image: str | None, network: str | None) -> None:
    """Start the daemon and print its address.

    \b
    Examples:
      llb daemon start
      llb build --addr $(llb daemon start --container builder) .
    """  # noqa: D301 - click wants the control character
    from llb.client.container import BuildKitContainer  # noqa: PLC0415
    from llb.client.daemon import private  # noqa: PLC0415 - loads the client

    given = {name: each for name, each in (("image", image), ("network", network)) if each}
    if container is not None:
        with BuildKitContainer(container, **given).start() as client:
            click.echo(client.address)
        return
    if given:
        raise click.UsageError("--image and --network are for a --container")
    click.echo(private.start())


@daemon.command()
@_CONTAINER
@click.option("--remove", is_flag=True, help="Remove the container and its cache.")
def stop(container: str | None, *, remove: bool) -> None:
    """Stop the daemon.

    \b
    Example: llb daemon stop --container builder --remove
    """  # noqa: D301 - click wants the control character
    from llb.client.container import BuildKitContainer  # noqa: PLC0415
    from llb.client.daemon import private  # noqa: PLC0415 - loads the client

    if container is None:
        if remove:
            raise click.UsageError("--remove is for a --container")
        click.echo("stopped" if private.stop() else "it did not run")
    elif remove:
        click.echo("removed" if BuildKitContainer(container).remove() else "it is not there")
    else:
        click.echo("stopped" if BuildKitContainer(container).stop() else "it did not run")


@daemon.command()
def status() -> None:
    """Print the state of the private daemon and its directory.

    \b
    Example: llb daemon status
    """  # noqa: D301 - click wants the control character
    from llb.client.daemon import private  # noqa: PLC0415 - loads the client

    place = private.Place.default()
    pid = private.running(place)
    click.echo(f"status   {'stopped' if pid is None else f'running, process {pid}'}")
    click.echo(f"address  {place.address}")
    click.echo(f"state    {place.folder}")
    click.echo(f"log      {place.log}")
