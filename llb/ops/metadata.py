"""What a definition says about its operations, outside of their digests (``pb.OpMetadata``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.ops.nodes import LinuxResources, ProgressGroup

CUSTOM_NAME = "llb.customname"
"""The key of the description that is shown as the name of a step (client/llb)."""


@frozen
class OpMetadata:
    """The metadata of one operation; an absent value is one that is not said."""

    ignore_cache: bool = False
    description: Mapping[str, str] = field(factory=dict)
    export_cache: bool | None = None
    caps: frozenset[str] = frozenset()
    progress_group: ProgressGroup | None = None
    resources: LinuxResources | None = None

    def merged(self, other: OpMetadata) -> OpMetadata:
        """Return both as one, as Go merges the metadata of equal operations.

        Descriptions and capabilities add up, ``ignore_cache`` holds if either
        says so, and of the rest the one of ``other`` wins where it has any.
        """
        return OpMetadata(
            ignore_cache=self.ignore_cache or other.ignore_cache,
            description={**self.description, **other.description},
            export_cache=self.export_cache if other.export_cache is None else other.export_cache,
            caps=self.caps | other.caps,
            progress_group=other.progress_group or self.progress_group,
            resources=other.resources or self.resources,
        )
