"""``llb debug``: what a BuildKit stores and does, as it is."""

from __future__ import annotations

import re
import sys
from typing import Any

import click

from llb.cli.commands.history import line_of
from llb.cli.connection_options import Connection, connecting
from llb.cli.output_tables import JSON_LINES, to_json

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z|sha512:[0-9a-f]{128}\Z")


@click.group()
def debug() -> None:
    """Show blobs and running builds of a BuildKit.

    What else `buildctl debug` has are `llb dump`, `history`, `info` and `workers`.

    \b
    Example: llb debug monitor
    """  # noqa: D301 - click wants the control character


@debug.command()
@click.argument("digest")
@connecting
def get(digest: str, **options: Any) -> None:
    """Print a blob, such as a layer, a manifest or an attestation.

    \b
    Example: llb debug get sha256:2c26… > layer.tar.gz
    """  # noqa: D301 - click wants the control character
    if not _DIGEST.match(digest):
        raise click.UsageError(f"{digest!r} is no digest: expected sha256: and 64 digits")
    # The client takes 60 ms to import, which `llb --help` should not wait for.
    from llb.client import Blob  # noqa: PLC0415

    with Connection(**options).open() as client:
        for piece in client.history().read(Blob("", digest, 0)):
            sys.stdout.buffer.write(piece)


@debug.command()
@click.option("--completed", is_flag=True, help="Include completed builds.")
@click.option("--ref", default="", metavar="REF", help="Only this build.")
@JSON_LINES
@connecting
def monitor(*, completed: bool, ref: str, as_json: bool, **options: Any) -> None:
    """Print builds as they start and end, until interrupted.

    \b
    Examples:
      llb debug monitor
      llb debug monitor --completed --json | jq .ref
    """  # noqa: D301 - click wants the control character
    with Connection(**options).open() as client:
        for build in client.history().watch(ref=ref, active_only=not completed):
            click.echo(to_json(build) if as_json else line_of(build))
