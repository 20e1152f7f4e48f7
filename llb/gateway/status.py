"""Errors on their way to the user: an exception as ``google.rpc.Status``.

BuildKit passes typed details as ``Any`` of ``github.com/moby/buildkit/TYPE+json``
whose value is JSON. ``errdefs.Source`` is the one that makes every client print
the lines of a file that an error is about.
"""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import status_pb2

from llb.errors import BuildFileError, CancelledError, LLBError, RemoteError, Span
from llb.gateway.sources import source_json
from llb.source_map import SourceFile

_SOURCE = "github.com/moby/buildkit/errdefs.Source+json"
_FRONTEND_CAP = "github.com/moby/buildkit/errdefs.FrontendCap+json"
_SUBREQUEST = "github.com/moby/buildkit/errdefs.Subrequest+json"
_PYTHON, _PYTHON_FILE = "Python", ".py"
_CANCELLED = 1
_UNKNOWN = 2
_UNIMPLEMENTED = 12
_PACKAGE = __file__.removesuffix("gateway/status.py")


def unsupported_cap(name: str) -> RemoteError:
    """Return the error of a capability that a client asks for and a frontend lacks."""
    detail = AnyMessage(type_url=_FRONTEND_CAP, value=json.dumps({"name": name}).encode())
    return RemoteError(
        f"unsupported frontend capability {name}",
        code=_UNIMPLEMENTED,
        details=(detail.SerializeToString(),),
    )


def unsupported_request(name: str) -> RemoteError:
    """Return the error of a request other than a build that a frontend does not answer.

    Clients know it by its detail; the code is the one that Go's frontends send.
    """
    detail = AnyMessage(type_url=_SUBREQUEST, value=json.dumps({"name": name}).encode())
    return RemoteError(
        f"unsupported request {name}", code=_UNKNOWN, details=(detail.SerializeToString(),)
    )


def to_status(error: BaseException, *, language: str = "") -> status_pb2.Status:
    """Return the status that tells a user what went wrong and where.

    An error of this package keeps its message, hint and place; details that
    came from the daemon are passed on as they are. Any other exception is a
    mistake in the frontend: its type, text and the place in the frontend's code.
    ``language`` is the name under which a file's lines are shown.
    """
    match error:
        case RemoteError():
            details = [AnyMessage.FromString(data) for data in error.details]
            details += _span_details(error.span, language)
            return status_pb2.Status(code=error.code, message=_text(error), details=details)
        case LLBError():
            code = _CANCELLED if isinstance(error, CancelledError) else _UNKNOWN
            details = _span_details(error.span, language)
            return status_pb2.Status(code=code, message=_text(error), details=details)
        case _:
            details = _span_details(_failing_line(error), _PYTHON)
            return status_pb2.Status(code=_UNKNOWN, message=_crash(error), details=details)


def _text(error: LLBError) -> str:
    """Return message, hint and traceback; the place travels beside them."""
    text = error.message if error.hint is None else f"{error.message} (hint: {error.hint})"
    return "\n".join((text, *error.trace)) if isinstance(error, BuildFileError) else text


def _crash(error: BaseException) -> str:
    """Return the type and text of an unexpected exception and where it was raised."""
    # It takes 2 ms to import, and crashes are rare.
    import traceback  # noqa: PLC0415

    summary = "".join(traceback.format_exception_only(error)).strip()
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_PACKAGE)] or frames
    places = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in own]
    return f"the frontend crashed: {summary}; at " + " < ".join(reversed(places))


def _failing_line(error: BaseException) -> Span | None:
    """Return the innermost line outside of this package, where its file can be read."""
    import traceback  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if not frame.filename.startswith(_PACKAGE) and frame.lineno is not None:
            try:
                text = Path(frame.filename).read_text(encoding="utf-8")
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
    """Return the lines, and the characters (from 0) of a place that is narrower than a line."""
    start: dict[str, int] = {"line": span.line}
    end: dict[str, int] = {"line": span.end_line or span.line}
    if span.column is not None:
        start["character"] = span.column - 1
        end["character"] = span.column - 1 + span.width
    return {"start": start, "end": end}
