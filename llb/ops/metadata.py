"""Metadata of operations, which their digests do not include (``pb.OpMetadata``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.ops.nodes import LinuxResources, ProgressGroup

CUSTOM_NAME = "llb.customname"
"""Description key whose value is shown as the name of a step (client/llb)."""


@frozen
class OpMetadata:
    """The metadata of one operation; None means unspecified."""

    ignore_cache: bool = False
    description: Mapping[str, str] = field(factory=dict)
    export_cache: bool | None = None
    caps: frozenset[str] = frozenset()
    progress_group: ProgressGroup | None = None
    resources: LinuxResources | None = None

    def merged(self, other: OpMetadata) -> OpMetadata:
        """Merge the metadata of two equal operations, as Go does.

        Descriptions and capabilities are combined, ``ignore_cache`` is set if either sets it, and
        for every other field the value of ``other`` wins if it has one.
        """
        return OpMetadata(
            ignore_cache=self.ignore_cache or other.ignore_cache,
            description={**self.description, **other.description},
            export_cache=self.export_cache if other.export_cache is None else other.export_cache,
            caps=self.caps | other.caps,
            progress_group=other.progress_group or self.progress_group,
            resources=other.resources or self.resources,
        )
