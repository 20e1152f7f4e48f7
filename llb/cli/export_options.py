"""Combine ``-o``, ``-t``, ``--push`` and ``--load`` of ``llb build`` into exporters."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from llb.cli.standard_streams import STANDARD_STREAM
from llb.client.image_build import exports as image_exports

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.client import Export


def to_exports(
    outputs: Iterable[str],
    tags: Iterable[str],
    annotations: Iterable[str] = (),
    *,
    push: bool,
    load: bool,
) -> list[Export]:
    """Build the list of exporters (:func:`llb.client.image_build.exports.to_exports`).

    Raises InvalidValueError, and UsageError if an archive would be written to a terminal.
    """
    exports = image_exports.to_exports(outputs, tags, annotations, push=push, load=load)
    archives = any(export.destination == STANDARD_STREAM for export in exports)
    if archives and sys.stdout.isatty():
        raise click.UsageError("refusing to write an archive to a terminal: name a file with dest=")
    return exports
