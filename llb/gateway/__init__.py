"""The side of a frontend: what a program says to the daemon that started it.

:func:`serve` turns a function into a frontend. The function gets a
:class:`Request` and a :class:`Gateway` and returns a :class:`Result`.
"""

from llb.gateway.connection import Caps, Gateway, ImageConfig, SourceInfo, is_not_found
from llb.gateway.files import FileStat
from llb.gateway.request import Request
from llb.gateway.results import Attestation, PlatformImage, Ref, Result
from llb.gateway.serve import answer, serve
from llb.gateway.sources import definition_json, source_json
from llb.gateway.status import unsupported_cap, unsupported_request

__all__ = [
    "Attestation",
    "Caps",
    "FileStat",
    "Gateway",
    "ImageConfig",
    "PlatformImage",
    "Ref",
    "Request",
    "Result",
    "SourceInfo",
    "answer",
    "definition_json",
    "is_not_found",
    "serve",
    "source_json",
    "unsupported_cap",
    "unsupported_request",
]
