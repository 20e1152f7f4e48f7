"""Errors of failed steps, with the details that a daemon attaches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import frozen
from google.protobuf.any_pb2 import Any as AnyMessage

from llb.arguments.checked import checked, checked_init
from llb.errors import RemoteError
from llb.gateway import source_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.definition.decode import Vertex
    from llb.source_map import Location

_UNKNOWN = 2
_TYPES = "github.com/moby/buildkit/"


@checked_init
@frozen
class Failed:
    """A failing step as an output: by default, a process with a nonzero exit code.

    ``message`` replaces the error message of a process.
    """

    exit_code: int = 1
    message: str | None = None

    @checked
    def error(self, vertex: Vertex) -> RemoteError:
        """Create the error of a step, which names the step and its source locations."""
        if self.message is not None:
            return step_error(vertex, self.message)
        # Go prints the arguments of a process like this.
        line = " ".join(vertex.op.get("meta", {}).get("args", ()))
        message = f'process "{line}" did not complete successfully: exit code: {self.exit_code}'
        return step_error(vertex, message, exit_code=self.exit_code)


def step_error(vertex: Vertex, message: str, *, exit_code: int | None = None) -> RemoteError:
    """Create the error of a step with the details that clients need to show its location."""
    return with_step(RemoteError(message, code=_UNKNOWN), vertex, exit_code=exit_code)


def with_step(error: RemoteError, vertex: Vertex, *, exit_code: int | None = None) -> RemoteError:
    """Add the details of a step to an error."""
    details = (*error.details, *_details(vertex, exit_code))
    return RemoteError(error.message, code=error.code, details=details)


def _details(vertex: Vertex, exit_code: int | None) -> Iterator[bytes]:
    for location in reversed(vertex.locations):
        yield _detail("errdefs.Source", _source(location))
    yield _detail("errdefs.Vertex", {"digest": vertex.digest})
    if exit_code is not None:
        yield _detail("gatewayapi.ExitMessage", {"Code": exit_code})


def _source(location: Location) -> dict[str, Any]:
    ranges = [
        {"start": {"line": span.line}, "end": {"line": span.end_line}} for span in location.ranges
    ]
    return {"info": source_json(location.file), "ranges": ranges}


def _detail(name: str, body: object) -> bytes:
    return AnyMessage(
        type_url=f"{_TYPES}{name}+json", value=json.dumps(body).encode()
    ).SerializeToString()
