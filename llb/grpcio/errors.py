"""Translate the errors of grpcio into those of :mod:`llb.grpc`, once, where they arrive."""

from __future__ import annotations

from typing import Any

import grpc

from llb.errors import RemoteError, TransportError
from llb.grpc import Code
from llb.grpc.endings import DeadlineError
from llb.grpc.status import read_details

_DETAILS = "grpc-status-details-bin"
# What grpcio says of a channel that its owner has closed: of a running call, and of a new one.
_CLOSED_DURING = "Channel closed!"
_CLOSED_BEFORE = "Cannot invoke RPC"
# Parts of grpcio's own messages about its limits. A daemon resets a call (error code 2) if the
# details of its error exceed the size of metadata that the channel accepts.
_LIMITS = ("message larger than max", "metadata size exceeds", "RST_STREAM with error code 2")


def deadline_error() -> DeadlineError:
    """Build the error for a call whose deadline has passed."""
    return DeadlineError("deadline of the call has passed")


def to_error(error: Exception, call: Any, *, has_deadline: bool) -> Exception:
    """Translate an exception that ended a call; others, those of interceptors, stay as they are.

    ``call`` is grpcio's object for the call, or None if it was not started.
    """
    match error:
        case grpc.FutureCancelledError():
            return _from_status(call, has_deadline=has_deadline)
        case grpc.RpcError() if _has_status(error):
            return _from_status(error, has_deadline=has_deadline)
        case ValueError() if str(error).startswith(_CLOSED_BEFORE):
            return TransportError("the grpc.Channel is closed")
        case _:
            return error


def _has_status(error: object) -> bool:
    """Check whether an RpcError, of which interceptors may raise their own, is also a call."""
    return isinstance(error, grpc.Call) or callable(getattr(error, "code", None))


def _from_status(call: Any, *, has_deadline: bool) -> Exception:
    code, text = Code(call.code().value[0]), call.details() or ""
    match code:
        case Code.UNAVAILABLE:
            return TransportError(text or "the grpc.Channel has no connection")
        case Code.CANCELLED if text == _CLOSED_DURING:
            return TransportError("the grpc.Channel was closed")
        case Code.DEADLINE_EXCEEDED if has_deadline:
            return deadline_error()
    hint = None
    if any(part in text for part in _LIMITS):
        hint = "raise the limits of the channel with options=llb.grpcio.CHANNEL_OPTIONS"
    return RemoteError(text, code=code, details=_details(call), hint=hint)


def _details(call: Any) -> tuple[bytes, ...]:
    """Read the details of a status from the trailing metadata, which an interceptor may omit."""
    trailers = getattr(call, "trailing_metadata", lambda: ())() or ()
    return next((read_details(value) for name, value in trailers if name == _DETAILS), ())
