"""Forward a build to the frontend that its ``# syntax=`` line names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb import dockerfile
from llb.dockerfile.errors.catalogue import Source
from llb.errors import RemoteError
from llb.gateway import unsupported_cap

if TYPE_CHECKING:
    from llb.frontend.dockerui.contexts import Contexts
    from llb.gateway import Request, Result

_PREFIX = "moby.buildkit.frontend."
_CAPS = ("inputs", "subrequests", "contexts", "gitquerystring", "contexts.zstd")
_LATER = "+forward"
_SOURCE = b"errdefs.Source+json"


def check_caps(request: Request) -> RemoteError | None:
    """Check the capabilities that a client requires in ``frontend.caps``.

    Raises RemoteError for a missing capability. If the frontend that the build is forwarded to may
    have it, the error is returned instead.
    """
    missing: RemoteError | None = None
    for requirement in filter(None, request.options.get("frontend.caps", "").split(",")):
        name, _, _ = requirement.partition("+")
        if name not in (_PREFIX + cap for cap in _CAPS):
            missing = unsupported_cap(name)
            if _LATER not in requirement:
                raise missing
    return missing


def forward(text: bytes, definition: bytes, contexts: Contexts) -> Result | None:
    """Run the frontend that the file or the client names, if any, and return its result.

    ``definition`` is the definition that the file was read from.
    """
    options, filename = contexts.options, contexts.main.filename
    if options.forwarded:
        return None
    if options.syntax is not None:
        source, _, _ = options.syntax.strip().partition(" ")
        return _solve(contexts, source, options.syntax)
    directive = dockerfile.detect_syntax(text)
    if directive is None:
        return None
    try:
        return _solve(contexts, directive.source, directive.cmdline)
    except RemoteError as error:
        if not any(_SOURCE in detail for detail in error.details):
            file = Source(filename, text, text.decode("utf-8", errors="replace"))
            error.span = evolve(file.span(directive.line), definition=definition)
        raise


def _solve(contexts: Contexts, source: str, cmdline: str) -> Result:
    request, gateway = contexts.request, contexts.gateway
    options = {**request.options, "source": source, "cmdline": cmdline}
    return gateway.solve_frontend("gateway.v0", options, inputs=gateway.inputs())
