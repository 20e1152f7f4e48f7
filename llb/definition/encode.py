"""Encode definitions, and the messages that other APIs share with them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from llb import ops_proto as pb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llb.ops.metadata import OpMetadata
    from llb.ops.nodes import LinuxResources, ProgressGroup
    from llb.platforms import Platform
    from llb.source_map import Location, Range, SourceFile


def encode_definition(
    ops: Sequence[bytes],
    metadata: Mapping[str, OpMetadata],
    locations: Mapping[str, tuple[Location, ...]],
    files: Sequence[SourceFile],
) -> bytes:
    """Encode a ``pb.Definition``; one without operations has no ``pb.Source``."""
    encode_op = pb.Definition.def_
    return b"".join(
        [
            *[encode_op(data) for data in ops],
            pb.Definition.metadata(
                {key: encode_metadata(op_metadata) for key, op_metadata in metadata.items()}
            ),
            pb.Definition.Source(_source(locations, files)) if ops else b"",
        ]
    )


def encode_metadata(metadata: OpMetadata) -> bytes:
    """Encode a ``pb.OpMetadata``."""
    out = [
        pb.OpMetadata.ignore_cache(metadata.ignore_cache),
        pb.OpMetadata.description(metadata.description),
    ]
    if metadata.export_cache is not None:
        out.append(pb.OpMetadata.export_cache(pb.ExportCache.Value(metadata.export_cache)))
    out.append(_caps(metadata.caps))
    if metadata.progress_group is not None:
        out.append(pb.OpMetadata.progress_group(_progress_group(metadata.progress_group)))
    if metadata.resources is not None:
        out.append(pb.OpMetadata.linux_resources(_linux_resources(metadata.resources)))
    return b"".join(out)


# Operations of the same kind need the same few capabilities.
@lru_cache(maxsize=256)
def _caps(caps: frozenset[str]) -> bytes:
    return pb.OpMetadata.caps(caps)


def _progress_group(group: ProgressGroup) -> bytes:
    fields = pb.ProgressGroup
    return fields.id(group.id) + fields.name(group.name) + fields.weak(group.weak)


def _linux_resources(limits: LinuxResources) -> bytes:
    fields = pb.LinuxResources
    return (
        fields.memory(limits.memory)
        + fields.memorySwap(limits.memory_swap)
        + fields.cpuShares(limits.cpu_shares)
        + fields.cpuPeriod(limits.cpu_period)
        + fields.cpuQuota(limits.cpu_quota)
        + fields.cpusetCpus(limits.cpuset_cpus)
        + fields.cpusetMems(limits.cpuset_mems)
    )


def _source(locations: Mapping[str, tuple[Location, ...]], files: Sequence[SourceFile]) -> bytes:
    """Encode the source maps of a definition, a ``pb.Source``."""
    indices = {file: index for index, file in enumerate(files)}
    encode_location = pb.Locations.locations
    entries = {
        digest: b"".join(
            [
                encode_location(_location(location, indices[location.file]))
                for location in op_locations
            ]
        )
        for digest, op_locations in locations.items()
    }
    infos = [pb.Source.infos(encode_source_info(file)) for file in files]
    return pb.Source.locations(entries) + b"".join(infos)


def encode_source_info(file: SourceFile) -> bytes:
    """Encode a source file, a ``pb.SourceInfo``."""
    definition = file.definition
    return (
        pb.SourceInfo.filename(file.filename)
        + pb.SourceInfo.data(file.data)
        + (b"" if definition is None else pb.SourceInfo.definition(definition))
        + pb.SourceInfo.language(file.language)
    )


def _location(location: Location, index: int) -> bytes:
    """Encode a location in the source file at that index, a ``pb.Location``."""
    ranges = [pb.Location.ranges(encode_range(span)) for span in location.ranges]
    return pb.Location.sourceIndex(index) + b"".join(ranges)


def encode_range(lines: Range) -> bytes:
    """Encode a range of a source file, a ``pb.Range``."""
    start = _position(lines.line, lines.character)
    end = _position(lines.end_line, lines.end_character)
    return pb.Range.start(start) + pb.Range.end(end)


# Most ranges begin and end at the same position, which several operations share.
@lru_cache(maxsize=4096)
def _position(line: int, character: int) -> bytes:
    return pb.Position.line(line) + pb.Position.character(character)


def encode_platform(platform: Platform) -> bytes:
    """Encode a ``pb.Platform``."""
    return (
        pb.Platform.Architecture(platform.architecture)
        + pb.Platform.OS(platform.os)
        + pb.Platform.Variant(platform.variant or "")
        + pb.Platform.OSVersion(platform.os_version or "")
        + pb.Platform.OSFeatures(platform.os_features)
    )
