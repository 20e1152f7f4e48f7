"""List all operations of a definition with all their fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llb.arguments.checked import checked
from llb.dump.fields import numbers, pairs
from llb.dump.labels import group_text, label, one_line, place, resources_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.definition.decode import Vertex
    from llb.definition.definition import Definition
    from llb.ops.metadata import OpMetadata


# json.dumps() creates an encoder for each call, which doubles the time of a listing.
_ENCODER = json.JSONEncoder(ensure_ascii=False)


@checked
def text(definition: Definition) -> str:
    """List every operation with all its fields, in the order of the definition.

    Operations are numbered from 1, and inputs are written as ``#number.output``.
    Equal definitions have the same listing, which ends with a newline.
    """
    vertices = definition.vertices()
    if not vertices:
        return "scratch\n"
    number = numbers(vertices)
    lines: list[str] = []
    for position, vertex in enumerate(vertices, 1):
        lines.append(f"#{position} {label(vertex)}")
        lines += [one_line(f"    {key}: {value}") for key, value in fields_of(vertex, number)]
    return "\n".join(lines) + "\n"


def fields_of(vertex: Vertex, number: Mapping[str, int]) -> list[tuple[str, str]]:
    """List everything about an operation as pairs of a field name and a string.

    ``number`` maps digests to the numbers of the operations.
    """
    fields = [("digest", vertex.digest)]
    if vertex.inputs:
        inputs = ", ".join(f"#{number[digest]}.{index}" for digest, index in vertex.inputs)
        fields.append(("inputs", inputs))
    if vertex.platform:
        fields.append(("platform", vertex.platform))
    if vertex.worker_filters:
        fields.append(("worker filters", ", ".join(vertex.worker_filters)))
    if vertex.kind is not None:
        fields += [(path, as_json(value)) for path, value in pairs(vertex.kind, vertex.op)]
    fields += _metadata_fields(vertex.metadata)
    fields += [("from", place(location)) for location in vertex.locations]
    return fields


def as_json(value: object) -> str:
    """Encode a value from :func:`llb.dump.fields.pairs` as JSON."""
    return _ENCODER.encode(value)


def _metadata_fields(metadata: OpMetadata) -> list[tuple[str, str]]:
    fields = [(f"description {key}", value) for key, value in sorted(metadata.description.items())]
    if metadata.ignore_cache:
        fields.append(("ignore cache", "yes"))
    if metadata.export_cache is not None:
        fields.append(("export cache", "yes" if metadata.export_cache else "no"))
    if metadata.progress_group is not None:
        fields.append(("progress group", group_text(metadata.progress_group)))
    if metadata.resources is not None:
        fields.append(("resources", resources_text(metadata.resources)))
    if metadata.caps:
        fields.append(("caps", ", ".join(sorted(metadata.caps))))
    return fields
