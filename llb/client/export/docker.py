"""Exporters of the BuildKit inside Docker."""

from __future__ import annotations

from llb._pb import control_pb2 as pb
from llb.errors import InvalidValueError


def to_docker(exporter: pb.Exporter) -> pb.Exporter:
    """Convert an exporter for Docker: its ``moby`` exporter adds images to Docker's image store.

    Raises InvalidValueError for an image to push, which that exporter cannot do.
    """
    if exporter.Type != "image":
        return exporter
    if exporter.Attrs.get("push", "false") == "true":
        raise InvalidValueError(
            "the BuildKit inside Docker cannot push images",
            hint="omit push and run `docker push` afterwards, or build with a separate BuildKit",
        )
    return pb.Exporter(Type="moby", Attrs=exporter.Attrs)
