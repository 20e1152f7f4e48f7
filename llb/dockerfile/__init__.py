"""A Dockerfile, from its text to LLB: pure, without a daemon.

::

    converted = convert(data, resolver=ImageTable.from_json(table), platform="linux/amd64")
    converted.definition.to_file("def.pb")

:func:`convert` goes all the way. A driver that asks a registry for many images at once takes
the steps one by one: :func:`parse`, then :func:`convert_parsed` with a function that does.

The passes are lines and words (:mod:`~llb.dockerfile.parser.parser`), instructions,
stages, and conversion. Every mistake is a DockerfileError with its place.
:mod:`~llb.dockerfile.language` has what adds instructions and checks to those of Docker.
"""

from __future__ import annotations

from llb.dockerfile.errors.catalogue import DockerfileError
from llb.dockerfile.image_table import ImageTable
from llb.dockerfile.offline import Conversion, convert
from llb.dockerfile.options import ConvertOptions
from llb.dockerfile.parser.directives import detect_syntax
from llb.dockerfile.parser.parser import Parsed, parse
from llb.dockerfile.passes import convert_parsed
from llb.dockerfile.sources.dockerignore import parse_ignore
from llb.dockerfile.sources.requests import ImageRequest
from llb.dockerfile.to_llb import Converted
from llb.sources.image_resolver import ResolvedImage

__all__ = [
    "Conversion",
    "ConvertOptions",
    "Converted",
    "DockerfileError",
    "ImageRequest",
    "ImageTable",
    "Parsed",
    "ResolvedImage",
    "convert",
    "convert_parsed",
    "detect_syntax",
    "parse",
    "parse_ignore",
]
