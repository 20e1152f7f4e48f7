"""Write frontends: the connection between a program and the daemon that started it.

:func:`serve` turns a function into a frontend. The function gets a
:class:`Request` and a :class:`Gateway` and returns a :class:`Result`.
"""

from typing import TYPE_CHECKING

from llb._lazy import lazy_names
from llb.errors import (
    CancelledError,
    CapabilityError,
    InvalidValueError,
    LLBError,
    ProcessError,
    RemoteError,
    TransportError,
)
from llb.gateway.bridge import Caps
from llb.gateway.connection import Gateway, SourceInfo, is_not_found
from llb.gateway.files import FileStat
from llb.gateway.request import Request
from llb.gateway.results import Attestation, PlatformImage, Ref, Result
from llb.gateway.serve import answer, is_served, serve
from llb.gateway.sources import definition_json, source_json
from llb.gateway.status import unsupported_cap, unsupported_request

if TYPE_CHECKING:
    from llb.gateway.container_messages import RefMount, bind_ref
    from llb.gateway.containers import Completed, Container
    from llb.gateway.failed_steps import FailedStep, failed_step
    from llb.gateway.processes import Process

__all__ = [
    "Attestation",
    "CancelledError",
    "CapabilityError",
    "Caps",
    "Completed",
    "Container",
    "FailedStep",
    "FileStat",
    "Gateway",
    "InvalidValueError",
    "LLBError",
    "PlatformImage",
    "Process",
    "ProcessError",
    "Ref",
    "RefMount",
    "RemoteError",
    "Request",
    "Result",
    "SourceInfo",
    "TransportError",
    "answer",
    "bind_ref",
    "definition_json",
    "failed_step",
    "is_not_found",
    "is_served",
    "serve",
    "source_json",
    "unsupported_cap",
    "unsupported_request",
]

if not TYPE_CHECKING:
    # Type checkers would accept any name as one of the package.
    __getattr__ = lazy_names(
        __name__,
        # The modules for containers take 8 ms to import, and few frontends use containers.
        {
            "llb.gateway.container_messages": ("RefMount", "bind_ref"),
            "llb.gateway.containers": ("Completed", "Container"),
            "llb.gateway.failed_steps": ("FailedStep", "failed_step"),
            "llb.gateway.processes": ("Process",),
        },
    )
