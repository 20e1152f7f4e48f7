"""Combine ``-o``, ``-t``, ``--push`` and ``--load`` of ``llb build`` into exporters."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from llb.cli.standard_streams import STANDARD_STREAM
from llb.client.image_build import exports as image_exports
from llb.client.key_values import environment_flag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb.client import Client, Export

_NO_LOAD = "BUILDX_NO_DEFAULT_LOAD"


def loads_by_default(client: Client, environ: Mapping[str, str] = os.environ) -> bool:
    """Check whether an image without an output goes to Docker, as buildx decides it."""
    return client._control.loads and not environment_flag(environ, _NO_LOAD, default=False)


def to_exports(
    outputs: Iterable[str],
    tags: Iterable[str],
    annotations: Iterable[str] = (),
    *,
    push: bool,
    load: bool,
) -> list[Export]:
    """Build the list of exporters (:func:`llb.client.image_build.exports.to_exports`).

    Annotations that no output takes are left out, with a warning. Raises InvalidValueError, and
    UsageError if an archive would be written to a terminal.
    """
    exports = image_exports.to_exports(outputs, tags, push=push, load=load)
    if annotations and not any(export.takes_image_config for export in exports):
        click.echo("warning: --annotation has no effect: no output is an image", err=True)
        annotations = ()
    exports = image_exports.to_exports(outputs, tags, annotations, push=push, load=load)
    archives = any(export.destination == STANDARD_STREAM for export in exports)
    if archives and sys.stdout.isatty():
        raise click.UsageError("refusing to write an archive to a terminal: name a file with dest=")
    return exports
