"""What a frontend gives back: trees by reference, and metadata for the exporter.

The metadata keys are those that BuildKit's exporters read (``exporter/containerimage/exptypes``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from llb.platforms import Platform

_IMAGE_CONFIG = "containerimage.config"
_BASE_CONFIG = "containerimage.base.config"
_PLATFORMS = "refs.platforms"
_EPOCH = "source.date.epoch"


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

    def with_image(self, platform: Platform, config: bytes, *, base: bytes | None = None) -> Result:
        """Return the result with an image config in JSON, for the one tree of the result.

        ``base`` is the config of the image that it builds upon, whose layers exporters
        then leave as they are when they rewrite times.
        """
        image = {_IMAGE_CONFIG: config, _PLATFORMS: _platforms_json([platform])}
        if base is not None:
            image[_BASE_CONFIG] = base
        return evolve(self, metadata={**self.metadata, **image})

    def with_epoch(self, epoch: datetime) -> Result:
        """Return the result with the time that exporters give what they make."""
        seconds = str(int(epoch.timestamp())).encode()
        return evolve(self, metadata={**self.metadata, _EPOCH: seconds})


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
