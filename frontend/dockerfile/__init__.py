"""A Dockerfile, from its text to LLB: pure, without a daemon.

::

    parsed = parse(text, filename="Dockerfile")
    images = {request: resolve(request) for request in needed_images(parsed, options)}
    converted = convert(parsed, options, images)

The passes are lines and words (:mod:`~frontend.dockerfile.parser`), instructions,
stages, and conversion. Every mistake is a DockerfileError with its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from frontend.dockerfile.convert import Converted, ResolvedImage, convert_stages
from frontend.dockerfile.errors import DockerfileError
from frontend.dockerfile.ignore import parse_ignore
from frontend.dockerfile.interpret import interpret
from frontend.dockerfile.options import ConvertOptions
from frontend.dockerfile.parser import Parsed, parse
from frontend.dockerfile.stages import ImageRequest, StageGraph, build_graph
from frontend.dockerfile.syntax import detect_syntax

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ConvertOptions",
    "Converted",
    "DockerfileError",
    "ImageRequest",
    "Parsed",
    "ResolvedImage",
    "convert",
    "detect_syntax",
    "needed_images",
    "parse",
    "parse_ignore",
]


def needed_images(parsed: Parsed, options: ConvertOptions) -> tuple[ImageRequest, ...]:
    """Return the images whose digest and config the target needs. Raises DockerfileError."""
    return _graph(parsed, options).images


def convert(
    parsed: Parsed, options: ConvertOptions, images: Mapping[ImageRequest, ResolvedImage]
) -> Converted:
    """Return the target as LLB, with its image config. Raises DockerfileError."""
    graph = _graph(parsed, options)
    return convert_stages(graph, parsed.source, parsed.escape, options, images)


def _graph(parsed: Parsed, options: ConvertOptions) -> StageGraph:
    return build_graph(parsed.source, interpret(parsed), parsed.escape, options)
