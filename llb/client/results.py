"""Results of builds: the exporters' responses and blob descriptors."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.buildkit_names import EXPORTER_IMAGE_DESCRIPTOR_KEY, EXPORTER_IMAGE_DIGEST_KEY
from llb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping


@frozen
class Blob:
    """The descriptor of a blob: its media type, its digest ``sha256:…``, and its size in bytes."""

    media_type: str
    digest: str
    size: int


@frozen
class SolveResult:
    """The result of a build: the exporters' responses, by their keys.

    ``ref`` is the name of the build in the daemon's history.
    """

    exporter_response: Mapping[str, str] = field(factory=dict)
    ref: str = ""

    @property
    def digest(self) -> str | None:
        """The digest of the exported image, if any."""
        return self.exporter_response.get(EXPORTER_IMAGE_DIGEST_KEY)

    @property
    def descriptor(self) -> Blob | None:
        """The descriptor of the exported manifest or index; None without an image or before v0.9.

        Raises TransportError for an invalid descriptor.
        """
        encoded = self.exporter_response.get(EXPORTER_IMAGE_DESCRIPTOR_KEY)
        if encoded is None:
            return None
        decoded = _decode_object(encoded)
        match decoded:
            case {"mediaType": str(media_type), "digest": str(digest), "size": int(size)}:
                return Blob(media_type, digest, size)
            case _:
                raise TransportError(f"invalid descriptor from the daemon: {decoded}")

    @property
    def metadata(self) -> dict[str, object]:
        """The responses, in which descriptors and other objects in base64 are mappings."""
        return {key: _decode_object(value) for key, value in self.exporter_response.items()}

    def to_json(self) -> str:
        """Format the responses as JSON, like buildctl's metadata file.

        Values that are base64 of JSON objects, such as descriptors, become these objects.
        """
        return json.dumps(self.metadata, indent=2, sort_keys=True)


def _decode_object(value: str) -> object:
    try:
        decoded = json.loads(base64.b64decode(value, validate=True))
    except (ValueError, RecursionError):
        return value
    return decoded if isinstance(decoded, dict) and decoded else value
