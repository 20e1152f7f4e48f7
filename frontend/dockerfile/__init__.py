"""A Dockerfile, from its text to LLB: pure, without a daemon.

::

    parsed = parse(text, filename="Dockerfile")
    images = resolve_images(parsed, options, ask_a_registry)
    converted = convert(parsed, options, images)

The passes are lines and words (:mod:`~frontend.dockerfile.parser`), instructions,
stages, and conversion. Every mistake is a DockerfileError with its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from frontend.dockerfile.convert import Converted, convert_stages
from frontend.dockerfile.errors import DockerfileError
from frontend.dockerfile.ignore import parse_ignore
from frontend.dockerfile.image import ResolvedImage
from frontend.dockerfile.interpret import interpret
from frontend.dockerfile.options import ConvertOptions
from frontend.dockerfile.parser import Parsed, parse
from frontend.dockerfile.stages import ImageRequest, StageGraph, build_graph
from frontend.dockerfile.syntax import detect_syntax

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "ConvertOptions",
    "Converted",
    "DockerfileError",
    "ImageRequest",
    "Parsed",
    "ResolvedImage",
    "convert",
    "detect_syntax",
    "parse",
    "parse_ignore",
    "resolve_images",
]


def resolve_images(
    parsed: Parsed,
    options: ConvertOptions,
    resolve: Callable[[tuple[ImageRequest, ...]], Mapping[ImageRequest, ResolvedImage]],
) -> Mapping[ImageRequest, ResolvedImage]:
    """Return the images whose digest and config the target needs, as ``resolve`` finds them.

    It is asked once more where ONBUILD in an image copies from further ones. Raises
    DockerfileError, and what ``resolve`` raises.
    """
    images: dict[ImageRequest, ResolvedImage] = {}
    while True:
        needed = _graph(parsed, options, images).images
        missing = tuple(each for each in needed if each not in images)
        if not missing:
            return images
        images.update(resolve(missing))


def convert(
    parsed: Parsed, options: ConvertOptions, images: Mapping[ImageRequest, ResolvedImage]
) -> Converted:
    """Return the target as LLB, with its image config. Raises DockerfileError."""
    graph = _graph(parsed, options, images)
    return convert_stages(graph, parsed.source, parsed.escape, options, images)


def _graph(
    parsed: Parsed, options: ConvertOptions, images: Mapping[ImageRequest, ResolvedImage]
) -> StageGraph:
    return build_graph(parsed.source, interpret(parsed), parsed.escape, options, images)
