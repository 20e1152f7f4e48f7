"""Convert exceptions to ``google.rpc.Status``, the errors that clients show.

BuildKit passes typed details as ``Any`` of ``github.com/moby/buildkit/TYPE+json``
whose value is JSON. ``errdefs.Source`` makes every client print the source lines of an error.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from llb._lazy import lazy_imports
from llb.arguments.checked import checked
from llb.errors import BuildFileError, CancelledError, LLBError, RemoteError, Span
from llb.gateway.sources import source_json
from llb.source_map import SourceFile

with lazy_imports(__name__):
    import pathlib  # 5 ms
    import traceback  # 2 ms

_SOURCE = "github.com/moby/buildkit/errdefs.Source+json"
_FRONTEND_CAP = "github.com/moby/buildkit/errdefs.FrontendCap+json"
_SUBREQUEST = "github.com/moby/buildkit/errdefs.Subrequest+json"
_PYTHON, _PYTHON_FILE = "Python", ".py"
_CANCELLED = 1
_UNKNOWN = 2
_UNIMPLEMENTED = 12
_PACKAGE = __file__.removesuffix("gateway/status.py")


@checked
def unsupported_cap(name: str) -> RemoteError:
    """Build the error for a capability that a client requires and a frontend lacks."""
    detail = AnyMessage(type_url=_FRONTEND_CAP, value=json.dumps({"name": name}).encode())
    return RemoteError(
        f"unsupported frontend capability {name}",
        code=_UNIMPLEMENTED,
        details=(detail.SerializeToString(),),
    )


@checked
def unsupported_request(name: str) -> RemoteError:
    """Build the error for an unknown subrequest.

    Clients recognize it by its detail; the code is the one that Go's frontends send.
    """
    detail = AnyMessage(type_url=_SUBREQUEST, value=json.dumps({"name": name}).encode())
    return RemoteError(
        f"unsupported request {name}", code=_UNKNOWN, details=(detail.SerializeToString(),)
    )


def to_status(error: BaseException, *, language: str = "") -> status_pb2.Status:
    """Convert an exception to the status that reports it to the user.

    An error of this package keeps its message, hint and span; details that
    came from the daemon are passed on unchanged. Any other exception is a
    bug in the frontend: its type, message and the line in the frontend's code.
    ``language`` is the language in which source lines are highlighted.
    """
    match error:
        case RemoteError():
            details = decode_details(error) + _span_details(error.span, language)
            return status_pb2.Status(code=error.code, message=_format_error(error), details=details)
        case LLBError():
            code = _CANCELLED if isinstance(error, CancelledError) else _UNKNOWN
            details = _span_details(error.span, language)
            return status_pb2.Status(code=code, message=_format_error(error), details=details)
        case _:
            details = _span_details(_failing_line(error), _PYTHON)
            return status_pb2.Status(code=_UNKNOWN, message=_format_crash(error), details=details)


def decode_details(error: RemoteError) -> list[AnyMessage]:
    """Decode the details of an error of the daemon, and leave out malformed ones."""
    details = []
    for data in error.details:
        with suppress(DecodeError):
            details.append(AnyMessage.FromString(data))
    return details


def _format_error(error: LLBError) -> str:
    """Format message, hint and traceback; the span is a separate detail.

    The hint is in the words of the command line, where most users of a frontend are.
    """
    hint = error.command_hint
    summary = error.message if hint is None else f"{error.message} (hint: {hint})"
    return "\n".join((summary, *error.trace)) if isinstance(error, BuildFileError) else summary


def _format_crash(error: BaseException) -> str:
    """Format an unexpected exception: its type, its message and where it was raised."""
    summary = "".join(traceback.format_exception_only(error)).strip()
    frames = traceback.extract_tb(error.__traceback__)
    outside = [frame for frame in frames if not frame.filename.startswith(_PACKAGE)] or frames
    lines = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in outside]
    return f"the frontend crashed: {summary}; at " + " < ".join(reversed(lines))


def _failing_line(error: BaseException) -> Span | None:
    """Find the innermost line outside this package, if its file can be read."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if not frame.filename.startswith(_PACKAGE) and frame.lineno is not None:
            try:
                text = pathlib.Path(frame.filename).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                return None
            return Span(frame.filename, text, frame.lineno)
    return None


def _span_details(span: Span | None, language: str) -> list[AnyMessage]:
    if span is None:
        return []
    if span.filename.endswith(_PYTHON_FILE):
        language = _PYTHON
    body: dict[str, Any] = {
        "info": source_json(
            SourceFile(span.filename, span.text.encode(), language, span.definition)
        ),
        "ranges": [_range(span)],
    }
    return [AnyMessage(type_url=_SOURCE, value=json.dumps(body).encode())]


def _range(span: Span) -> dict[str, Any]:
    """Encode the lines of a span, and its characters from 0 if it is narrower than a line."""
    start: dict[str, int] = {"line": span.line}
    end: dict[str, int] = {"line": span.end_line or span.line}
    if span.column is not None:
        start["character"] = span.column - 1
        end["character"] = span.column - 1 + span.width
    return {"start": start, "end": end}
