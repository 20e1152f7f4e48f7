"""Translate errors of a daemon into the client's errors, once, where they arrive."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import DecodeError

from llb import caps
from llb._lazy import lazy_imports
from llb.errors import (
    CancelledError,
    ConnectError,
    Hint,
    LLBError,
    RemoteError,
    SolveError,
    Span,
    TransportError,
)
from llb.grpc import Code
from llb.grpc.endings import ClosedError, DeadlineError
from llb.grpc.forks import ForkedError

with lazy_imports(__name__):
    from google.protobuf import any_pb2  # 22 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T_ = TypeVar("T_")

# The address of a daemon behind a channel of the user, who alone knows the target.
CHANNEL = "grpc.Channel"
_SOURCE = "errdefs.Source"
_VERTEX = "errdefs.Vertex"
_PREFIX = "github.com/moby/buildkit/"
_TAIL = 20
# The start of a line of Python's tracebacks.
_FRAME = '  File "'
_LOGIN = (
    "builds use their own credentials, or those of `docker login`; check that they are still valid"
)
_STORE = (
    "enable Docker's containerd image store (the feature containerd-snapshotter in its daemon.json), "
    "or build with a separate BuildKit"
)
_LAYERS = (
    "too many steps that write files follow each other: write them in one step, for example with "
    "llb.files()"
)
# The directories of an overlay mount, which the kernel cuts off at the end of a page.
_LOWER = re.compile(r'lowerdir=([^", ]*)')
_PAGE = 4096
# The kernel mounts at most this many (OVL_MAX_STACK).
_MAX_LAYERS = 500
# Hints by the words that registries, token servers and the auth service use.
_HINTS = {
    "401 Unauthorized": _LOGIN,
    "insufficient_scope": _LOGIN,
    "authentication required": _LOGIN,
    "no basic auth credentials": _LOGIN,
    "incorrect username or password": _LOGIN,
    "requested access to the resource is denied": _LOGIN,
    "403 Forbidden": _LOGIN,
    "refuses the credentials of": _LOGIN,
    "requires credentials for": _LOGIN,
    "is not the base64 of NAME:PASSWORD": "store it again with `docker login`",
    "mount options is too long": _LAYERS,
    "only enabled with containerd image store": _STORE,
    'exporter "oci" could not be found': _STORE,
    'exporter "docker" could not be found': _STORE,
    "is not allowed by build daemon configuration": (
        "add it to insecure-entitlements in buildkitd.toml"
    ),
    "x509: ": "the daemon must trust the certificate: add its authority to buildkitd.toml",
    "unset ssh forward key": Hint("pass ssh='default'", command="forward an agent: --ssh default"),
}
_CAPABILITY = re.compile(r"unknown API capability (\S+)")
# What a build lacks, by the words in which the daemon names it.
_SECRET = re.compile(r"\bsecret (\S+): not found")
_ENTITLEMENT = re.compile(r"\b(network\.host|security\.insecure) is not allowed(?! by)")


def call_error(error: LLBError, address: str) -> LLBError:
    """Translate a transport error of a call to a daemon."""
    match error:
        case DeadlineError() | RemoteError(code=Code.DEADLINE_EXCEEDED):
            return CancelledError("the deadline passed before the daemon answered")
        case CancelledError() | RemoteError(code=Code.CANCELLED):
            return CancelledError("the build was cancelled")
        case ForkedError():
            return error
        case TransportError() | RemoteError(code=Code.UNAVAILABLE):
            return connection_lost(address, error.message, error.hint)
        case RemoteError():
            message = _one_line(error.message) or _status_name(error.code)
            return RemoteError(message, code=error.code, details=error.details, hint=error.hint)
        case _:
            return error


def ping_error(error: LLBError, address: str) -> LLBError:
    """Translate a transport error of the first call to a daemon."""
    match error:
        # BuildKit before v0.11 does not implement this call, but has answered.
        case RemoteError(code=Code.UNIMPLEMENTED):
            return error
        case CancelledError() | ClosedError():
            return unreachable(address, "it does not answer")
        case RemoteError():
            return unreachable(address, _one_line(error.message) or _status_name(error.code))
        case _:
            return unreachable(address, error.message, error.hint)


def connection_lost(address: str, reason: str, hint: str | None = None) -> TransportError:
    """Build the error for a broken connection; ``hint`` is that of the reason."""
    return TransportError(
        f"lost the connection to {address}: {reason}",
        hint=hint or "check whether the daemon still runs, and look at its log",
    )


def unreachable(address: str, reason: str, hint: str | None = None) -> ConnectError:
    """Build the error for an address where no BuildKit answers; ``hint`` is that of the reason."""
    if hint is None and address == CHANNEL:
        hint = "check the target and the credentials of the channel, and whether the daemon runs"
    elif hint is None:
        hint = Hint(
            "start one with `llb daemon start`, or name another: Client(ADDRESS) or BUILDKIT_HOST",
            command="start one with `llb daemon start`, or name another with --addr or "
            "BUILDKIT_HOST",
        )
    return ConnectError(f"no BuildKit answers at {address}: {reason}", hint=hint)


def none_reachable(errors: Sequence[ConnectError]) -> ConnectError:
    """Combine the errors of all addresses, or report that no address was given."""
    if not errors:
        return ConnectError("no address is given", hint="name at least one")
    if len(errors) == 1:
        return errors[0]
    reasons = "; ".join(error.message for error in errors)
    return ConnectError(f"none of {len(errors)} addresses can be reached: {reasons}")


def names_step(error: LLBError) -> bool:
    """Check whether the error of a daemon names the failed step."""
    return isinstance(error, RemoteError) and any(
        _decode_detail(data)[0] == _VERTEX for data in error.details
    )


def to_solve_error(
    error: RemoteError,
    name_of: Callable[[str], str | None],
    log_of: Callable[[str], tuple[str, ...]],
) -> SolveError:
    """Build the error of a failed build from the details that a daemon sends.

    ``name_of`` and ``log_of`` look up the name and output of a step by its digest.
    """
    details: dict[str, Any] = {}
    spans: list[Span] = []
    for data in error.details:
        name, body = _decode_detail(data)
        # The first detail of a type is the one nearest to the cause.
        details.setdefault(name, body)
        span = _span(body) if name == _SOURCE else None
        if span is not None and span not in spans:
            spans.append(span)
    # The last source belongs to the step itself, the others led to it.
    own_span = spans.pop() if spans else None
    vertex = _of_type(details.get(_VERTEX, {}).get("digest"), str)
    exit_code = _of_type(details.get("gatewayapi.ExitMessage", {}).get("Code"), int)
    first, trace = _split_trace(error.message)
    message, hint = _without_layers(_one_line(first))
    return SolveError(
        message,
        code=error.code,
        details=error.details,
        span=own_span or error.span,
        hint=error.hint or hint,
        vertex=vertex,
        step=name_of(vertex) if vertex else None,
        exit_code=exit_code,
        log=log_of(vertex)[-_TAIL:] if vertex else (),
        callers=tuple(reversed(spans)),
        trace=trace,
    )


def _hint_for(message: str) -> str | None:
    """Find the hint for an error of a daemon, a registry or a token server.

    >>> _hint_for("secret npm: not found")
    "pass secrets={'npm': …}"
    >>> _hint_for("failed to load LLB: network.host is not allowed")
    "grant it with allow='network.host'"
    >>> _hint_for("unknown API capability mergeop")
    'merge needs BuildKit v0.10.0 or later'
    """
    if secret := _SECRET.search(message):
        name = secret[1]
        return Hint(
            f"pass secrets={{{name!r}: …}}", command=f"pass it: --secret id={name},src=FILE"
        )
    if entitlement := _ENTITLEMENT.search(message):
        name = entitlement[1]
        return Hint(f"grant it with allow={name!r}", command=f"grant it with --allow {name}")
    if capability := _CAPABILITY.search(message):
        return caps.requirement(capability[1])
    return next((hint for words, hint in _HINTS.items() if words in message), None)


def push_error(message: str, image: str, vertex: str, step: str) -> SolveError:
    """Build the error of an image that Docker cannot push, with the message of the registry."""
    text = _one_line(message)
    return SolveError(
        f"cannot push {image}: {text}",
        code=Code.UNKNOWN,
        hint=_hint_for(text),
        vertex=vertex,
        step=step,
    )


def _without_layers(message: str) -> tuple[str, str | None]:
    """Replace the directories of an overlay mount by their number, and find the hint."""
    hint = _hint_for(message)
    lower = _LOWER.search(message)
    if lower is None:
        return message, hint
    count = lower[1].count(":") + 1
    shortened = message.replace(lower[1], f"({count} layers)")
    return shortened, _LAYERS if len(message) >= _PAGE or count > _MAX_LAYERS else hint


def _split_trace(text: str) -> tuple[str, tuple[str, ...]]:
    """Split the message of a build file's exception from the traceback below it."""
    first, *lines = text.split("\n")
    if any(line.startswith(_FRAME) for line in lines):
        return first, tuple(line.rstrip() for line in lines)
    return text, ()


def _status_name(code: int) -> str:
    return Code(code).name.lower() if code in list(Code) else f"status {code}"


def _decode_detail(data: bytes) -> tuple[str, dict[str, Any]]:
    """Decode the type and content of a detail in JSON; other details have no content."""
    try:
        message = any_pb2.Any.FromString(data)
    except DecodeError:
        return "", {}
    name = message.type_url.removeprefix(_PREFIX).removesuffix("+json")
    try:
        body = json.loads(message.value)
    except (ValueError, RecursionError):
        return name, {}
    return name, body if isinstance(body, dict) else {}


def _of_type(value: object, kind: type[T_]) -> T_ | None:
    """Leave out a value that is of another type than in Go's message."""
    return value if type(value) is kind else None


def _span(source: dict[str, Any]) -> Span | None:
    """Build the span of a source; None if it names no lines, or is malformed."""
    try:
        info, ranges = source.get("info", {}), source["ranges"]
        lines = [
            span[side].get("line", 0)
            for span in ranges
            for side in ("start", "end")
            if side in span
        ]
        start = ranges[0].get("start", {}).get("character", 0)
        end = ranges[0].get("end", {}).get("character", 0)
        filename = info.get("filename", "")
        text = base64.b64decode(info.get("data", "")).decode(errors="replace")
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None
    numbers = (*lines, start, end)
    if not isinstance(filename, str) or not all(type(number) is int for number in numbers):
        return None
    if not lines or not min(lines):
        return None
    return Span(
        filename=filename,
        text=text,
        line=min(lines),
        end_line=max(lines),
        # Without an end, only the lines are known.
        column=start + 1 if end > start else None,
        width=max(end - start, 1),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
