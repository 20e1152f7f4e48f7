"""``llb daemon``: manage a private BuildKit daemon, or one in a Docker container."""

from __future__ import annotations

import click

import llb.client
from llb._lazy import lazy_imports
from llb.buildkit_names import BUILDKIT_IMAGE
from llb.cli.sections import Group

with lazy_imports(__name__):
    from llb.client.daemon import private  # 19 ms
    from llb.client.progress import display as progress  # 4 ms

_CONTAINER = click.option(
    "--container", metavar="NAME", help="Use a BuildKit in a Docker container of this name."
)


@click.group(cls=Group)
def daemon() -> None:
    """Manage your own BuildKit daemon.

    The private daemon starts automatically when no other daemon is found. It stops after ten
    minutes without a client, or after LLB_DAEMON_IDLE seconds.
    """


@daemon.command()
@_CONTAINER
@click.option("--image", metavar="REF", help=f"Image of the container.  [{BUILDKIT_IMAGE}]")
@click.option("--network", metavar="NAME", help="Network of the container, as for docker run.")
def start(container: str | None, image: str | None, network: str | None) -> None:
    """Start the daemon and print its address.

    \b
    Examples:
      llb daemon start
      llb build --addr $(llb daemon start --container builder) .
    """  # noqa: D301 - click wants the control character
    options = {key: value for key, value in (("image", image), ("network", network)) if value}
    if container is not None:
        with progress.display("auto") as shown:
            started = llb.client.BuildKitContainer(container, **options).start(on_event=shown)
        with started as client:
            click.echo(client.address)
        return
    if options:
        raise click.UsageError("--image and --network need --container")
    click.echo(private.start())


@daemon.command()
@_CONTAINER
@click.option("--remove", is_flag=True, help="Remove the container and its cache.")
def stop(container: str | None, *, remove: bool) -> None:
    """Stop the daemon.

    \b
    Example: llb daemon stop --container builder --remove
    """  # noqa: D301 - click wants the control character
    if container is None:
        if remove:
            raise click.UsageError("--remove needs --container")
        click.echo("stopped" if private.stop() else "not running")
    elif remove:
        click.echo("removed" if llb.client.BuildKitContainer(container).remove() else "not found")
    else:
        click.echo("stopped" if llb.client.BuildKitContainer(container).stop() else "not running")


@daemon.command()
def status() -> None:
    """Print the state of the private daemon and its directory.

    \b
    Example: llb daemon status
    """  # noqa: D301 - click wants the control character
    daemon_paths = private.Place.default()
    pid = private.running(daemon_paths)
    click.echo(f"status   {'stopped' if pid is None else f'running, process {pid}'}")
    click.echo(f"address  {daemon_paths.address}")
    click.echo(f"state    {daemon_paths.folder}")
    click.echo(f"log      {daemon_paths.log}")
