"""Exporters of the BuildKit inside Docker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb._pb import control_pb2 as pb
from llb.client.key_values import parse_flag
from llb.errors import InvalidValueError
from llb.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llb.client.connect.control import Worker

_PUSH, _BY_DIGEST, _INSECURE = "push", "push-by-digest", "registry.insecure"
_SNAPSHOTTER = "org.mobyproject.buildkit.worker.snapshotter"


def to_docker(exporter: pb.Exporter) -> pb.Exporter:
    """Convert an exporter for Docker: its ``moby`` exporter adds images to Docker's image store."""
    if exporter.Type != "image":
        return exporter
    return pb.Exporter(Type="moby", Attrs=exporter.Attrs)


def has_containerd_store(workers: Iterable[Worker]) -> bool:
    """Check whether Docker keeps images in containerd, whose exporter can push them.

    The workers of the older store have no snapshotter among their labels.
    """
    return any(name == _SNAPSHOTTER for worker in workers for name, _ in worker.labels)


def is_pushed(exporter: pb.Exporter) -> bool:
    """Check whether an exporter pushes the image."""
    return _flag(exporter, _PUSH) or _flag(exporter, _BY_DIGEST)


def is_insecure(exporter: pb.Exporter) -> bool:
    """Check whether an exporter may push over plain HTTP."""
    return _flag(exporter, _INSECURE)


def without_push(exporter: pb.Exporter) -> tuple[pb.Exporter, tuple[Reference, ...]]:
    """Take the push from an exporter that cannot push; also return the names to push.

    Raises InvalidValueError for a push without a name, or by digest.
    """
    if _flag(exporter, _BY_DIGEST):
        raise InvalidValueError(
            "this Docker cannot push an image by digest",
            hint="push it by a name, enable Docker's containerd image store, or build with a "
            "separate BuildKit",
        )
    names = [name for name in exporter.Attrs.get("name", "").split(",") if name]
    if not names:
        raise InvalidValueError("a push needs a name for the image")
    attrs = {key: value for key, value in exporter.Attrs.items() if key not in (_PUSH, _INSECURE)}
    references = tuple(Reference.parse(name).tagged() for name in names)
    return pb.Exporter(Type=exporter.Type, Attrs=attrs), references


def _flag(exporter: pb.Exporter, key: str) -> bool:
    """Read a flag, which is set by an empty value."""
    return key in exporter.Attrs and parse_flag(exporter.Attrs[key] or "true", key)
