"""A definition as a listing of all operations with all their fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llb.dump.fields import numbers, pairs
from llb.dump.labels import group_text, label, one_line, place, resources_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.definition.decode import Vertex
    from llb.definition.definition import Definition
    from llb.ops.metadata import OpMetadata


# json.dumps() makes an encoder for each call, which doubles the time of a listing.
_ENCODER = json.JSONEncoder(ensure_ascii=False)


def text(definition: Definition) -> str:
    """Return every operation with all its fields, in the order of the definition.

    Operations are numbered from 1 and inputs are given as ``#number.output``.
    The text is the same for equal definitions, and ends with a newline.
    """
    vertices = definition.vertices()
    if not vertices:
        return "scratch\n"
    number = numbers(vertices)
    lines: list[str] = []
    for position, vertex in enumerate(vertices, 1):
        lines.append(f"#{position} {label(vertex)}")
        lines += [one_line(f"    {key}: {value}") for key, value in facts(vertex, number)]
    return "\n".join(lines) + "\n"


def facts(vertex: Vertex, number: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return everything about an operation as pairs of what it is and text.

    ``number`` has the numbers by which its inputs are named.
    """
    found = [("digest", vertex.digest)]
    if vertex.inputs:
        inputs = ", ".join(f"#{number[digest]}.{index}" for digest, index in vertex.inputs)
        found.append(("inputs", inputs))
    if vertex.platform:
        found.append(("platform", vertex.platform))
    if vertex.worker_filters:
        found.append(("worker filters", ", ".join(vertex.worker_filters)))
    if vertex.kind is not None:
        found += [(path, as_text(value)) for path, value in pairs(vertex.kind, vertex.op)]
    found += _metadata_facts(vertex.metadata)
    found += [("from", place(location)) for location in vertex.locations]
    return found


def as_text(value: object) -> str:
    """Return a value that :func:`llb.dump.fields.pairs` gives as JSON."""
    return _ENCODER.encode(value)


def _metadata_facts(metadata: OpMetadata) -> list[tuple[str, str]]:
    found = [(f"description {key}", value) for key, value in sorted(metadata.description.items())]
    if metadata.ignore_cache:
        found.append(("ignore cache", "yes"))
    if metadata.export_cache is not None:
        found.append(("export cache", "yes" if metadata.export_cache else "no"))
    if metadata.progress_group is not None:
        found.append(("progress group", group_text(metadata.progress_group)))
    if metadata.resources is not None:
        found.append(("resources", resources_text(metadata.resources)))
    if metadata.caps:
        found.append(("caps", ", ".join(sorted(metadata.caps))))
    return found
