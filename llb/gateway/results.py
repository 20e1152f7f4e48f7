"""What a frontend gives back: trees by reference, and metadata for the exporter.

The metadata keys are those that BuildKit's exporters read (``exporter/containerimage/exptypes``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.platforms import Platform

_IMAGE_CONFIG = "containerimage.config"
_PLATFORMS = "refs.platforms"


@frozen
class Ref:
    """A tree on the daemon, built or still to be built; an empty ``id`` is the empty tree."""

    id: str


@frozen
class Result:
    """The result of a frontend: one tree, or one for each platform.

    ``refs`` are keyed by platform; ``metadata`` goes to the exporter.
    """

    ref: Ref | None = None
    refs: Mapping[str, Ref] = field(factory=dict)
    metadata: Mapping[str, bytes] = field(factory=dict)

    def with_image(self, platform: Platform, config: bytes) -> Result:
        """Return the result with an image config in JSON, for the one tree of the result."""
        image = {_IMAGE_CONFIG: config, _PLATFORMS: _platforms_json([platform])}
        return evolve(self, metadata={**self.metadata, **image})


def _platforms_json(platforms: list[Platform]) -> bytes:
    """Return the value of ``refs.platforms``: each platform with its id, as Go encodes it."""
    entries = []
    for platform in platforms:
        fields = {
            "architecture": platform.architecture,
            "os": platform.os,
            "os.version": platform.os_version,
            "os.features": list(platform.os_features),
            "variant": platform.variant,
        }
        kept = {key: value for key, value in fields.items() if value}
        entries.append({"ID": str(platform), "Platform": kept})
    return json.dumps({"Platforms": entries}, separators=(",", ":")).encode()
