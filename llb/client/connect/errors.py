"""Errors of a daemon, translated once, where they come in."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from llb.errors import (
    CancelledError,
    ConnectError,
    LLBError,
    RemoteError,
    SolveError,
    Span,
    TransportError,
)
from llb.grpc import Code
from llb.grpc.endings import ClosedError, DeadlineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SOURCE = "errdefs.Source"
_VERTEX = "errdefs.Vertex"
_PREFIX = "github.com/moby/buildkit/"
_TAIL = 20
_LOGIN = "builds use the credentials of `docker login`; see whether they are there, and still good"
# What is to be done, by what registries and token servers say.
_HINTS = {
    "401 Unauthorized": _LOGIN,
    "insufficient_scope": _LOGIN,
    "refuses the credentials of": _LOGIN,
    "wants credentials for": _LOGIN,
    "is not the base64 of NAME:PASSWORD": "write it again with `docker login`",
    "x509: ": "the daemon has to trust the certificate: name its authority in buildkitd.toml",
}


def of_call(error: LLBError, address: str) -> LLBError:
    """Return the error of a call to a daemon, for one of the tunnel."""
    match error:
        case DeadlineError() | RemoteError(code=Code.DEADLINE_EXCEEDED):
            return CancelledError("the deadline passed before the daemon answered")
        case CancelledError() | RemoteError(code=Code.CANCELLED):
            return CancelledError("the build was cancelled")
        case TransportError() | RemoteError(code=Code.UNAVAILABLE):
            return lost(address, error.message)
        case RemoteError():
            text = _one_line(error.message) or _status_name(error.code)
            return RemoteError(text, code=error.code, details=error.details)
        case _:
            return error


def of_greeting(error: LLBError, address: str) -> LLBError:
    """Return the error of the first call to a daemon, for one of the tunnel."""
    match error:
        # A BuildKit from before this call is one too.
        case RemoteError(code=Code.UNIMPLEMENTED):
            return error
        case CancelledError() | ClosedError():
            return unreachable(address, "it does not answer")
        case RemoteError():
            return unreachable(address, _one_line(error.message) or _status_name(error.code))
        case _:
            return unreachable(address, error.message)


def lost(address: str, reason: str) -> TransportError:
    """Return the error of a connection that broke."""
    return TransportError(
        f"lost the connection to {address}: {reason}",
        hint="see whether the daemon still runs, and what its log says",
    )


def unreachable(address: str, reason: str) -> ConnectError:
    """Return the error of an address where no BuildKit answers."""
    return ConnectError(
        f"no BuildKit answers at {address}: {reason}",
        hint="start one with `llb daemon start`, or name another with --addr or BUILDKIT_HOST",
    )


def none_of(errors: Sequence[ConnectError]) -> ConnectError:
    """Return the error of addresses none of which is reached, or that there is no address."""
    if not errors:
        return ConnectError("no address is given", hint="name at least one")
    if len(errors) == 1:
        return errors[0]
    reasons = "; ".join(error.message for error in errors)
    return ConnectError(f"none of {len(errors)} addresses is reached: {reasons}")


def is_of_step(error: LLBError) -> bool:
    """Return whether the error of a daemon names the step that failed."""
    return isinstance(error, RemoteError) and any(
        _decoded(data)[0] == _VERTEX for data in error.details
    )


def to_solve_error(
    error: RemoteError,
    name_of: Callable[[str], str | None],
    log_of: Callable[[str], tuple[str, ...]],
) -> SolveError:
    """Return what failed a build, put together from the details that a daemon sends.

    ``name_of`` and ``log_of`` give name and output of a step by its digest.
    """
    found: dict[str, Any] = {}
    for data in error.details:
        name, body = _decoded(data)
        # The first detail of a kind is the one nearest to the cause; only of the lines that
        # led to a step, the last is its own.
        if name == _SOURCE or name not in found:
            found[name] = body
    vertex = found.get(_VERTEX, {}).get("digest")
    exit_code = found.get("gatewayapi.ExitMessage", {}).get("Code")
    message = _one_line(error.message)
    return SolveError(
        message,
        code=error.code,
        details=error.details,
        span=_span(found.get(_SOURCE)),
        hint=next((hint for words, hint in _HINTS.items() if words in message), None),
        vertex=vertex,
        step=name_of(vertex) if vertex else None,
        exit_code=exit_code,
        log=log_of(vertex)[-_TAIL:] if vertex else (),
    )


def _status_name(code: int) -> str:
    return Code(code).name.lower() if code in list(Code) else f"status {code}"


def _decoded(data: bytes) -> tuple[str, dict[str, Any]]:
    """Return the name and the content of a detail that is JSON; any other has no content."""
    from google.protobuf.any_pb2 import Any as AnyMessage  # noqa: PLC0415 - shadows typing's

    message = AnyMessage.FromString(data)
    name = message.type_url.removeprefix(_PREFIX).removesuffix("+json")
    try:
        body = json.loads(message.value)
    except ValueError:
        return name, {}
    return name, body if isinstance(body, dict) else {}


def _span(source: dict[str, Any] | None) -> Span | None:
    if not source or not source.get("ranges"):
        return None
    info, ranges = source.get("info", {}), source["ranges"]
    lines = [
        each[side].get("line", 0) for each in ranges for side in ("start", "end") if side in each
    ]
    if not lines or not min(lines):
        return None
    start = ranges[0].get("start", {}).get("character", 0)
    end = ranges[0].get("end", {}).get("character", 0)
    return Span(
        filename=info.get("filename", ""),
        text=base64.b64decode(info.get("data", "")).decode(errors="replace"),
        line=min(lines),
        end_line=max(lines),
        # Without an end, only lines are known.
        column=start + 1 if end > start else None,
        width=max(end - start, 1),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
