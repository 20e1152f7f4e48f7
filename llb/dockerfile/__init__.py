"""Convert a Dockerfile to LLB, as a pure function without a daemon.

::

    converted = convert(data, resolver=ImageTable.from_json(table), platform="linux/amd64")
    converted.definition.to_file("def.pb")

:func:`convert` runs all passes. A driver that asks a registry for many images at once calls
:func:`parse`, and then :func:`convert_parsed` with a function that resolves them.

The passes are parsing (:mod:`~llb.dockerfile.parser.parser`), instructions, stages, and
conversion. Every error in the file is a DockerfileError with its source position.
A :class:`~llb.dockerfile.language.Language` adds instructions and checks to Docker's.
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
