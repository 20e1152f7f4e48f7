"""A Dockerfile, from its text to LLB: pure, without a daemon.

::

    converted = convert(data, resolver=ImageTable.from_json(table), platform="linux/amd64")
    converted.definition.to_file("def.pb")

:func:`convert` goes all the way. A driver that asks a registry for many images at once takes
the steps one by one: :func:`parse`, then :func:`convert_parsed` with a function that does.

The passes are lines and words (:mod:`~frontend.dockerfile.parser`), instructions,
stages, and conversion. Every mistake is a DockerfileError with its place.
:mod:`~frontend.dockerfile.extending` has what adds instructions and checks to those of Docker.
"""

from __future__ import annotations

from frontend.dockerfile.convert import Converted
from frontend.dockerfile.errors import DockerfileError
from frontend.dockerfile.ignore import parse_ignore
from frontend.dockerfile.image import ResolvedImage
from frontend.dockerfile.options import ConvertOptions
from frontend.dockerfile.parser import Parsed, parse
from frontend.dockerfile.passes import convert_parsed
from frontend.dockerfile.requests import ImageRequest
from frontend.dockerfile.resolver import ImageTable
from frontend.dockerfile.syntax import detect_syntax
from frontend.dockerfile.whole import Conversion, convert

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
