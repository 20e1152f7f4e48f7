"""``moby.exporter.v1.Exporter``: what is done with a result is found when the result is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb._pb import exporter_pb2 as pb
from llb.errors import LLBError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llb.grpc import Handler, ServerCall

    # What a frontend says of its result, to exporters with their attributes.
    Find = Callable[[Mapping[str, bytes]], Iterable[tuple[str, Mapping[str, str]]]]

_METHOD = "/moby.exporter.v1.Exporter/FindExporters"


class Exporters:
    """A service that answers by a function, where there is one."""

    def __init__(self, find: Find | None) -> None:
        self.failures: list[LLBError] = []
        self._find = find

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handler of FindExporters; none without a function."""
        find = self._find
        return {} if find is None else {_METHOD: lambda call: self._answer(call, find)}

    def _answer(self, call: ServerCall, find: Find) -> None:
        asked = pb.FindExportersRequest.FromString(call.receive() or b"")
        try:
            found = [
                pb.ExporterRequest(Type=kind, Attrs=attrs) for kind, attrs in find(asked.metadata)
            ]
        except LLBError as error:
            self.failures.append(error)
            raise
        call.send(pb.FindExportersResponse(exporters=found).SerializeToString())
