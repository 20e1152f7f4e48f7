"""Exporters as the BuildKit inside of Docker has them."""

from __future__ import annotations

from llb._pb import control_pb2 as pb
from llb.errors import InvalidValueError


def to_docker(exporter: pb.Exporter) -> pb.Exporter:
    """Return an exporter as Docker knows it: its own one puts images among Docker's.

    Raises InvalidValueError for an image that is to be pushed, which that one does not do.
    """
    if exporter.Type != "image":
        return exporter
    if exporter.Attrs.get("push", "false") == "true":
        raise InvalidValueError(
            "the BuildKit of Docker cannot push an image that it builds",
            hint="leave push out and use `docker push` then, or build with a BuildKit of its own",
        )
    return pb.Exporter(Type="moby", Attrs=exporter.Attrs)
