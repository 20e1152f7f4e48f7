"""What the daemon keeps of a build: its image, by parts, and its attestations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import frozen

from llb.arguments.checked import checked
from llb.client.results import Blob
from llb.errors import RemoteError, TransportError
from llb.grpc.status import Code
from llb.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from llb._pb import control_pb2

_PREDICATE = "in-toto.io/predicate-type"
_REFERENCE = "vnd.docker.reference.type"
_ATTESTATION = "attestation-manifest"
_INDEX = "application/vnd.oci.image.index.v1+json"
_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_SHORT = {
    "index": (_INDEX,),
    "manifest": ("application/vnd.oci.image.manifest.v1+json",),
    "image": ("application/vnd.oci.image.config.v1+json",),
    "provenance": ("https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"),
    "sbom": ("https://spdx.dev/Document",),
}


@frozen
class Attachment:
    """A blob of a build: an index, a manifest, or an attestation.

    ``type`` is the media type, or the type of the predicate of an attestation. ``platform`` is None
    for a build without the option.
    """

    type: str
    platform: str | None
    blob: Blob

    @checked
    def is_of(self, kind: str) -> bool:
        """Check the type, which may be short: ``index``, ``manifest``, ``provenance`` or ``sbom``."""
        return self.type in _SHORT.get(kind, (kind,))


def list_attachments(
    record: control_pb2.BuildHistoryRecord, read: Callable[[str], bytes]
) -> tuple[Attachment, ...]:
    """List the attachments of a record, by platform and type. ``read`` reads a blob by its digest."""
    results: list[tuple[str | None, control_pb2.BuildResultInfo]] = [(None, record.Result)]
    results += record.Results.items()
    found = [
        attachment
        for platform, result in results
        for attachment in _of_result(platform, result, read)
    ]
    return tuple(sorted(found, key=lambda one: (one.platform or "", one.type)))


def _of_result(
    platform: str | None, result: control_pb2.BuildResultInfo, read: Callable[[str], bytes]
) -> Iterator[Attachment]:
    for attestation in result.Attestations:
        kind = attestation.annotations.get(_PREDICATE, attestation.media_type)
        yield Attachment(kind, platform, _blob(attestation))
    for number in sorted(result.Results):
        image = result.Results[number]
        yield from _of_image(platform, _blob(image), dict(image.annotations), read)


def _of_image(
    platform: str | None,
    blob: Blob,
    annotations: Mapping[str, str],
    read: Callable[[str], bytes],
) -> Iterator[Attachment]:
    try:
        content = read(blob.digest) if blob.media_type in (_INDEX, _LIST) else b"{}"
    except RemoteError as error:
        # The daemon has removed it.
        if error.code != Code.NOT_FOUND:
            raise
        return
    if annotations.get(_REFERENCE) != _ATTESTATION:
        yield Attachment(blob.media_type, platform, blob)
    for part in _parts(content):
        own = _platform(part) or platform
        part_blob = Blob(part["mediaType"], part["digest"], part["size"])
        yield from _of_image(own, part_blob, part.get("annotations", {}), read)


def _parts(content: bytes) -> list[dict[str, Any]]:
    """Decode the descriptors of an index. Raises TransportError."""
    try:
        index = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise TransportError("invalid index from the daemon: it is not JSON") from error
    parts = index.get("manifests") or [] if isinstance(index, dict) else None
    match parts:
        case list() if all(map(_is_descriptor, parts)):
            return parts
    raise TransportError("invalid index from the daemon: unexpected values")


def _is_descriptor(part: object) -> bool:
    match part:
        case {"mediaType": str(), "digest": str(), "size": int(), **rest}:
            return isinstance(rest.get("annotations", {}), dict)
    return False


def _platform(part: Mapping[str, Any]) -> str | None:
    match part.get("platform"):
        case {"os": str(os), "architecture": str(architecture), **rest}:
            variant = rest.get("variant")
            platform = Platform(os, architecture, variant if isinstance(variant, str) else None)
            return str(platform.normalize())
    return None


def _blob(descriptor: control_pb2.Descriptor) -> Blob:
    return Blob(descriptor.media_type, descriptor.digest, descriptor.size)
