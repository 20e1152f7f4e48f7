"""Where ``llb build`` puts a result: ``-o``, ``-t``, ``--push`` and ``--load`` taken together."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from attrs import evolve

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.client import Export

STANDARD_OUTPUT = "-"


def to_exports(
    outputs: Iterable[str],
    tags: Iterable[str],
    annotations: Iterable[str] = (),
    *,
    push: bool,
    load: bool,
) -> list[Export]:
    """Return the exporters; names and annotations are those of every image among them.

    Names without an image to give them to, or to push under them, are those of one on the
    daemon. Raises UsageError, and InvalidValueError for an output, a name or an annotation
    that is none.
    """
    # The client takes 60 ms to import, which `llb --help` should not wait for.
    from llb import Reference  # noqa: PLC0415
    from llb.client import image, parse_export  # noqa: PLC0415
    from llb.client.export.exporters import docker  # noqa: PLC0415
    from llb.client.export.image_options import parse_annotation  # noqa: PLC0415

    exports = [parse_export(output) for output in outputs]
    if load and not any(export.is_loaded for export in exports):
        exports.append(docker())
    names = ",".join(str(Reference.parse(tag).tagged()) for tag in tags)
    if names:
        has_image = _is_image if push else _takes_image_config
        if not any(map(has_image, exports)):
            exports.append(image())
        exports = [_named(export, names) for export in exports]
    notes = {note.attribute: note.value for text in annotations for note in parse_annotation(text)}
    if notes:
        if not any(map(_takes_image_config, exports)):
            raise click.UsageError("--annotation needs an image: name one with -t NAME")
        exports = [_noted(export, notes) for export in exports]
    if push:
        if not any(_is_image(export) and export.attrs.get("name") for export in exports):
            raise click.UsageError("--push needs a name: give one with -t NAME")
        exports = [_pushed(export) for export in exports]
    _check_terminal(exports)
    return exports


def _named(export: Export, names: str) -> Export:
    if not export.takes_image_config or "name" in export.attrs:
        return export
    return evolve(export, attrs={**export.attrs, "name": names})


def _noted(export: Export, notes: dict[str, str]) -> Export:
    return evolve(export, attrs={**notes, **export.attrs}) if export.takes_image_config else export


def _pushed(export: Export) -> Export:
    return evolve(export, attrs={**export.attrs, "push": "true"}) if _is_image(export) else export


def _takes_image_config(export: Export) -> bool:
    return export.takes_image_config


def _is_image(export: Export) -> bool:
    return export.type in ("image", "registry")


def _check_terminal(exports: list[Export]) -> None:
    """Raise UsageError where an archive would be printed on a terminal."""
    archives = any(export.destination == STANDARD_OUTPUT for export in exports)
    if archives and sys.stdout.isatty():
        raise click.UsageError("an archive is not printed on a terminal; name a file with dest=")
