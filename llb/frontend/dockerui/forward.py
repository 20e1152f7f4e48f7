"""``# syntax=``: a build that another frontend is asked for."""

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
_CAPS = ("inputs", "subrequests", "contexts", "gitquerystring")
_LATER = "+forward"
_SOURCE = b"errdefs.Source+json"


def check_caps(request: Request) -> RemoteError | None:
    """Return the error of a capability that just a frontend that is forwarded to may have.

    A client names in ``frontend.caps`` what it needs. Raises RemoteError for what is lacking.
    """
    missing: RemoteError | None = None
    for each in filter(None, request.options.get("frontend.caps", "").split(",")):
        name, _, _ = each.partition("+")
        if name not in (_PREFIX + cap for cap in _CAPS):
            missing = unsupported_cap(name)
            if _LATER not in each:
                raise missing
    return missing


def forward(text: bytes, definition: bytes, contexts: Contexts) -> Result | None:
    """Return what the frontend that a file or the client names makes of the build.

    ``definition`` is what the file was read from.
    """
    options, filename = contexts.options, contexts.main.filename
    if options.forwarded:
        return None
    if options.syntax is not None:
        source, _, _ = options.syntax.strip().partition(" ")
        return _solve(contexts, source, options.syntax)
    found = dockerfile.detect_syntax(text)
    if found is None:
        return None
    try:
        return _solve(contexts, found.source, found.cmdline)
    except RemoteError as error:
        if not any(_SOURCE in each for each in error.details):
            shown = Source(filename, text, text.decode("utf-8", errors="replace"))
            error.span = evolve(shown.span(found.line), definition=definition)
        raise


def _solve(contexts: Contexts, source: str, cmdline: str) -> Result:
    request, gateway = contexts.request, contexts.gateway
    given = {**request.options, "source": source, "cmdline": cmdline}
    return gateway.solve_frontend("gateway.v0", given, inputs=gateway.inputs())
