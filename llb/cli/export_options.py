"""Combine ``-o``, ``-t``, ``--push`` and ``--load`` of ``llb build`` into exporters."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from attrs import evolve

import llb
import llb.client
from llb._lazy import lazy_imports
from llb.cli.standard_streams import STANDARD_STREAM

with lazy_imports(__name__):
    from llb.client.export import (
        exporters,  # 13 ms
        image_options,  # 4 ms
    )

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
    """Build the list of exporters; tags and annotations apply to every image among them.

    Tags add an image exporter if no output takes them, or none can be pushed. Raises
    UsageError, and InvalidValueError if an output, tag or annotation is malformed.
    """
    exports = [llb.client.parse_export(output) for output in outputs]
    if load and not any(export.is_loaded for export in exports):
        exports.append(exporters.docker())
    names = ",".join(str(llb.Reference.parse(tag).tagged()) for tag in tags)
    if names:
        has_image = _is_image if push else _takes_image_config
        if not any(map(has_image, exports)):
            exports.append(llb.client.image())
        exports = [_add_names(export, names) for export in exports]
    annotation_attrs = {
        item.attribute: item.value
        for value in annotations
        for item in image_options.parse_annotation(value)
    }
    if annotation_attrs:
        if not any(map(_takes_image_config, exports)):
            raise click.UsageError("--annotation needs an image: name one with -t NAME")
        exports = [_add_annotations(export, annotation_attrs) for export in exports]
    if push:
        if not any(_is_image(export) and export.attrs.get("name") for export in exports):
            raise click.UsageError("--push needs a name: give one with -t NAME")
        exports = [_add_push(export) for export in exports]
    _check_terminal(exports)
    return exports


def _add_names(export: Export, names: str) -> Export:
    if not export.takes_image_config or "name" in export.attrs:
        return export
    return evolve(export, attrs={**export.attrs, "name": names})


def _add_annotations(export: Export, attrs: dict[str, str]) -> Export:
    return evolve(export, attrs={**attrs, **export.attrs}) if export.takes_image_config else export


def _add_push(export: Export) -> Export:
    return evolve(export, attrs={**export.attrs, "push": "true"}) if _is_image(export) else export


def _takes_image_config(export: Export) -> bool:
    return export.takes_image_config


def _is_image(export: Export) -> bool:
    return export.type in ("image", "registry")


def _check_terminal(exports: list[Export]) -> None:
    """Raise UsageError if an archive would be written to a terminal."""
    archives = any(export.destination == STANDARD_STREAM for export in exports)
    if archives and sys.stdout.isatty():
        raise click.UsageError("refusing to write an archive to a terminal: name a file with dest=")
