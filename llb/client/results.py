"""What a build gave, as its exporters answer."""

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
    """A blob by its descriptor; ``size`` is in bytes."""

    media_type: str
    digest: str
    size: int


@frozen
class SolveResult:
    """What a build gave: the answers of its exporters, by their own keys.

    ``ref`` is the name of the build in the daemon's history.
    """

    exporter_response: Mapping[str, str] = field(factory=dict)
    ref: str = ""

    @property
    def digest(self) -> str | None:
        """The digest of the image that was exported, where there was one."""
        return self.exporter_response.get(EXPORTER_IMAGE_DIGEST_KEY)

    @property
    def descriptor(self) -> Blob | None:
        """The manifest or the index of the image; none without one, or of a daemon before v0.9.

        Raises TransportError for a descriptor that is none.
        """
        text = self.exporter_response.get(EXPORTER_IMAGE_DESCRIPTOR_KEY)
        if text is None:
            return None
        found = _object_or_text(text)
        match found:
            case {"mediaType": str(media_type), "digest": str(digest), "size": int(size)}:
                return Blob(media_type, digest, size)
            case _:
                raise TransportError(f"the daemon sent no descriptor: {found}")

    def to_json(self) -> str:
        """Return the answers as JSON, in the form of buildctl's metadata file.

        Objects, such as descriptors, come as base64 of their JSON, and stand in it as objects.
        """
        answers = {key: _object_or_text(value) for key, value in self.exporter_response.items()}
        return json.dumps(answers, indent=2, sort_keys=True)


def _object_or_text(value: str) -> object:
    try:
        decoded = json.loads(base64.b64decode(value, validate=True))
    except ValueError:
        return value
    return decoded if isinstance(decoded, dict) and decoded else value
