"""The side of a frontend: what a program says to the daemon that started it.

:func:`serve` turns a function into a frontend. The function gets a
:class:`Request` and a :class:`Gateway` and returns a :class:`Result`.
"""

from llb.gateway.connection import Caps, Gateway, ImageConfig, is_not_found
from llb.gateway.request import Request
from llb.gateway.results import Ref, Result
from llb.gateway.serve import serve

__all__ = [
    "Caps",
    "Gateway",
    "ImageConfig",
    "Ref",
    "Request",
    "Result",
    "is_not_found",
    "serve",
]
