"""Combine the outputs, tags, pushes and loads of an image build into exporters."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import evolve

from llb._lazy import lazy_imports
from llb.client.image_build.values import several, strings, to_string, to_text_mapping
from llb.errors import Hint, InvalidValueError
from llb.reference import Reference

with lazy_imports(__name__):
    from llb.client.export import (
        exporters,  # 9 ms
        image_options,  # 3 ms
    )

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.client.export.exporters import Export

_NAME_IT = Hint("name it with tags", command="name it with -t")


def to_exports(
    outputs: Iterable[object],
    tags: Iterable[str],
    annotations: object = (),
    *,
    push: bool,
    load: bool,
) -> list[Export]:
    """Build the list of exporters; tags and annotations apply to every image among them.

    Tags add an image exporter if no output takes them, or none can be pushed. As for buildx, tags
    and annotations replace those of outputs. Raises
    InvalidValueError for an invalid output, tag or annotation, for annotations without an image,
    and for a push without a name.
    """
    exports = list(map(_to_export, outputs))
    if load and not any(export.is_loaded for export in exports):
        exports.append(exporters.docker())
    names = ",".join(map(_checked_name, strings(tags, "tags")))
    if names:
        has_image = _is_image if push else _takes_image_config
        if not any(map(has_image, exports)):
            exports.append(exporters.image())
        exports = [_add_names(export, names) for export in exports]
    annotation_attrs = _annotation_attrs(annotations)
    if annotation_attrs:
        if not any(map(_takes_image_config, exports)):
            raise InvalidValueError("annotations need an image", hint=_NAME_IT)
        exports = [_add_annotations(export, annotation_attrs) for export in exports]
    if push:
        if not any(_is_image(export) and export.attrs.get("name") for export in exports):
            raise InvalidValueError("a push needs a name for the image", hint=_NAME_IT)
        exports = [_add_push(export) for export in exports]
    return exports


def _to_export(output: object) -> Export:
    match output:
        case exporters.Export():
            return output
        case str():
            return exporters.parse_export(to_string(output, "outputs"))
        case os.PathLike():
            return exporters.local(os.fspath(output))
    raise InvalidValueError(
        f"invalid outputs {output!r}: expected an exporter, a directory or a string",
        hint='for example llb.client.local("out") or "type=oci,dest=image.tar"',
    )


def _annotation_attrs(annotations: object) -> dict[str, str]:
    """Convert annotations to attributes of exporters. Raises InvalidValueError."""
    if isinstance(annotations, Mapping):
        texts = to_text_mapping(annotations, "annotations")
        values = [image_options.Annotation(key, value) for key, value in texts.items()]
    else:
        values = [
            annotation
            for value in several(annotations, "annotations")
            for annotation in _to_annotations(value)
        ]
    return {annotation.attribute: annotation.value for annotation in values}


def _to_annotations(value: object) -> tuple[image_options.Annotation, ...]:
    if isinstance(value, image_options.Annotation):
        return (value,)
    return image_options.parse_annotation(to_string(value, "annotations"))


def _checked_name(tag: str) -> str:
    """Check the name of an image; the daemon completes it. Raises InvalidValueError."""
    Reference.parse(tag)
    return tag


def _add_names(export: Export, names: str) -> Export:
    if not export.takes_image_config:
        return export
    return evolve(export, attrs={**export.attrs, "name": names})


def _add_annotations(export: Export, attrs: dict[str, str]) -> Export:
    return evolve(export, attrs={**export.attrs, **attrs}) if export.takes_image_config else export


def _add_push(export: Export) -> Export:
    return evolve(export, attrs={**export.attrs, "push": "true"}) if _is_image(export) else export


def _takes_image_config(export: Export) -> bool:
    return export.takes_image_config


def _is_image(export: Export) -> bool:
    return export.type in ("image", "registry")
