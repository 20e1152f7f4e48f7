"""The last lines of a build: where its result is, and the files with its digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llb.cli.standard_streams import STANDARD_STREAM
from llb.local_files import paths

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from llb.client import Export, SolveResult

_CONFIG_DIGEST = "containerimage.config.digest"


def image_id(result: SolveResult) -> str | None:
    """Determine the id of the image: the digest of its config, or of the index of several."""
    return result.exporter_response.get(_CONFIG_DIGEST, result.digest)


def prepare_iidfile(path: Path, exports: Iterable[Export]) -> None:
    """Remove the id of an earlier build, which a failed one must not leave.

    Raises UsageError if no image is built.
    """
    if not any(export.takes_image_config for export in exports):
        raise click.UsageError(
            "--iidfile needs an image: -t NAME with --load or --push, or -o type=image"
        )
    if paths.is_file(path) and not path.is_symlink():
        path.unlink()


def print_result(exports: Iterable[Export], digest: str | None, program: str) -> None:
    """Print where the results are; ``program`` has loaded images."""
    for export in exports:
        if export.destination not in (None, STANDARD_STREAM):
            click.echo(f"{export.type} written to {export.destination}", err=True)
        elif export.is_loaded:
            click.echo(f"image loaded into {program}", err=True)
    if digest is not None:
        click.echo(f"image digest {digest}", err=True)
