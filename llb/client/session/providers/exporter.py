"""``moby.exporter.v1.Exporter``: find the exporters of a result once the result exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb._pb import exporter_pb2 as pb
from llb.client.session.providers.requests import receive
from llb.errors import LLBError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llb.grpc import Handler, ServerCall

    # Maps a frontend's metadata of a result to exporters and their attributes.
    Find = Callable[[Mapping[str, bytes]], Iterable[tuple[str, Mapping[str, str]]]]

_METHOD = "/moby.exporter.v1.Exporter/FindExporters"


class Exporters:
    """A service that calls a function to find exporters, if one is given."""

    def __init__(self, find: Find | None) -> None:
        self.failures: list[LLBError] = []
        self._find = find

    def handlers(self) -> Mapping[str, Handler]:
        """Map FindExporters to its handler; empty without a function."""
        find = self._find
        return {} if find is None else {_METHOD: lambda call: self._answer(call, find)}

    def _answer(self, call: ServerCall, find: Find) -> None:
        request = receive(call, pb.FindExportersRequest)
        try:
            exporters = [
                pb.ExporterRequest(Type=kind, Attrs=attrs) for kind, attrs in find(request.metadata)
            ]
        except LLBError as error:
            self.failures.append(error)
            raise
        call.send(pb.FindExportersResponse(exporters=exporters).SerializeToString())
