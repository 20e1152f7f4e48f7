"""``llb debug``: print raw blobs and running builds of the daemon."""

from __future__ import annotations

import re
import sys
from typing import Any

import click

import llb.client
from llb.cli.commands.history import format_line
from llb.cli.connection_options import Connection, with_connection_options
from llb.cli.output_tables import JSON_LINES, to_json
from llb.cli.sections import Group

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z|sha512:[0-9a-f]{128}\Z")


@click.group(cls=Group)
def debug() -> None:
    """Show blobs and running builds of the daemon.

    For the rest of `buildctl debug` see `llb dump`, `history`, `info` and `workers`.

    \b
    Example: llb debug monitor
    """  # noqa: D301 - click wants the control character


@debug.command()
@click.argument("digest")
@with_connection_options
def get(digest: str, **options: Any) -> None:
    """Print a blob, such as a layer, a manifest or an attestation.

    \b
    Example: llb debug get sha256:2c26… > layer.tar.gz
    """  # noqa: D301 - click wants the control character
    if not _DIGEST.match(digest):
        raise click.UsageError(f"invalid digest {digest!r}: expected sha256: and 64 digits")

    with Connection(**options).open() as client:
        for chunk in client.history().read(llb.client.Blob("", digest, 0)):
            sys.stdout.buffer.write(chunk)


@debug.command()
@click.option("--completed", is_flag=True, help="Include completed builds.")
@click.option("--ref", default="", metavar="REF", help="Print only this build.")
@JSON_LINES
@with_connection_options
def monitor(*, completed: bool, ref: str, as_json: bool, **options: Any) -> None:
    """Print builds as they start and end, until interrupted.

    \b
    Examples:
      llb debug monitor
      llb debug monitor --completed --json | jq .ref
    """  # noqa: D301 - click wants the control character
    with Connection(**options).open() as client:
        for build in client.history().watch(ref=ref, active_only=not completed):
            click.echo(to_json(build) if as_json else format_line(build))
