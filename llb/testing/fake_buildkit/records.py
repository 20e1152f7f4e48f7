"""Records of the requests and warnings that a frontend sent to a daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from llb import Definition, Location, Range, SourceFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb._pb import gateway_pb2 as pb
    from llb._pb import ops_pb2


@frozen
class Solve:
    """A solve request: a definition, or another frontend.

    ``ref`` is the id of the reference, or ``""`` for another frontend.
    """

    ref: str
    definition: Definition | None = None
    frontend: str = ""
    options: Mapping[str, str] = field(factory=dict)
    inputs: Mapping[str, Definition] = field(factory=dict)
    evaluate: bool = False
    cache_imports: tuple[tuple[str, Mapping[str, str]], ...] = ()


@frozen
class Warned:
    """A warning on the step with ``digest``."""

    digest: str
    message: str
    detail: tuple[str, ...] = ()
    url: str = ""
    level: int = 1
    location: Location | None = None


def to_solve(request: pb.SolveRequest, ref: str) -> Solve:
    """Convert the message of a solve request. Raises InvalidDefinitionError."""
    definition = request.HasField("Definition")
    inputs = {name: Definition.from_pb(message) for name, message in request.FrontendInputs.items()}
    return Solve(
        ref=ref,
        definition=Definition.from_pb(request.Definition) if definition else None,
        frontend=request.Frontend,
        options=dict(request.FrontendOpt),
        inputs=inputs,
        evaluate=request.Evaluate,
        cache_imports=tuple((entry.Type, dict(entry.Attrs)) for entry in request.CacheImports),
    )


def to_warned(request: pb.WarnRequest) -> Warned:
    """Convert the message of a warning."""
    location = None
    if request.info.filename:
        location = Location(_file(request.info), tuple(map(_range, request.ranges)))
    return Warned(
        digest=request.digest,
        message=request.short.decode(),
        detail=tuple(line.decode() for line in request.detail),
        url=request.url,
        level=request.level,
        location=location,
    )


def _file(info: ops_pb2.SourceInfo) -> SourceFile:
    definition = info.definition.SerializeToString() if info.HasField("definition") else None
    return SourceFile(info.filename, info.data, info.language, definition)


def _range(message: ops_pb2.Range) -> Range:
    return Range(
        message.start.line, message.end.line, message.start.character, message.end.character
    )
