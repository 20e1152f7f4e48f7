"""A definition: encoded operations with their metadata and source locations.

This is what goes to a daemon as ``pb.Definition``, whoever made it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from google.protobuf.message import DecodeError

from llb._pb import ops_pb2 as pb
from llb.errors import InvalidDefinitionError
from llb.ops import LinuxResources, ProgressGroup
from llb.source_map import Location, Range, SourceFile

if TYPE_CHECKING:
    from collections.abc import Mapping

CUSTOM_NAME = "llb.customname"


@frozen
class OpMetadata:
    """What a definition says about one operation, outside of its digest."""

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


@frozen
class Vertex:
    """One operation of a definition, decoded.

    ``kind`` is the field of ``pb.Op`` that is set (``source``, ``exec``,
    ``file``, ``build``, ``merge``, ``diff``, ``passthrough``) and ``None`` for
    the last operation, which only points at the result. ``op`` is the content
    of that field with protobuf's own names, defaults left out; ``inputs`` are
    pairs of digest and output number.
    """

    digest: str
    kind: str | None
    op: Mapping[str, Any]
    inputs: tuple[tuple[str, int], ...]
    platform: str | None
    worker_filters: tuple[str, ...]
    metadata: OpMetadata
    locations: tuple[Location, ...]

    @property
    def name(self) -> str | None:
        """The custom name, where the step has one."""
        return self.metadata.description.get(CUSTOM_NAME)


@frozen(repr=False)
class Definition:
    """Encoded operations, inputs first; the last one points at the result.

    An empty definition, without operations, is the empty tree. ``metadata`` and
    ``locations`` are keyed by the digests of the operations.
    """

    ops: tuple[bytes, ...] = ()
    metadata: Mapping[str, OpMetadata] = field(factory=dict)
    locations: Mapping[str, tuple[Location, ...]] = field(factory=dict)
    files: tuple[SourceFile, ...] = ()

    @classmethod
    def from_bytes(cls, data: bytes) -> Definition:
        """Return the definition that a serialized ``pb.Definition`` holds.

        Raises InvalidDefinitionError where ``data`` is something else, an
        operation cannot be decoded, or an input refers to nothing.
        """
        try:
            message = pb.Definition.FromString(data)
        except DecodeError as error:
            raise InvalidDefinitionError(
                "these bytes are no LLB definition",
                hint="expected the output of a build script, or of State.marshal().to_bytes()",
            ) from error
        return cls.from_pb(message)

    @classmethod
    def from_pb(cls, message: pb.Definition) -> Definition:
        """Return the definition that the message holds. Raises InvalidDefinitionError."""
        files = tuple(_file_from_pb(info) for info in message.Source.infos)
        definition = cls(
            ops=tuple(getattr(message, "def")),
            metadata={key: _metadata_from_pb(value) for key, value in message.metadata.items()},
            locations={
                key: tuple(_location_from_pb(location, files) for location in value.locations)
                for key, value in message.Source.locations.items()
            },
            files=files,
        )
        definition.vertices()
        return definition

    def to_pb(self) -> pb.Definition:
        """Return the definition as a protobuf message."""
        message = pb.Definition()
        getattr(message, "def").extend(self.ops)
        for key, value in self.metadata.items():
            _metadata_to_pb(value, message.metadata[key])
        if self.ops:
            self._sources_to_pb(message.Source)
        return message

    def to_bytes(self) -> bytes:
        """Return the serialized ``pb.Definition``; equal definitions give equal bytes."""
        return self.to_pb().SerializeToString(deterministic=True)

    @property
    def head(self) -> str | None:
        """The digest of the operation that yields the result; None for the empty tree."""
        return pb.Op.FromString(self.ops[-1]).inputs[0].digest if self.ops else None

    def vertices(self) -> tuple[Vertex, ...]:
        """Return the operations decoded, in the order of the definition.

        Raises InvalidDefinitionError as :meth:`from_bytes` does.
        """
        digests = [digest_of(data) for data in self.ops]
        known = set(digests)
        vertices = []
        for digest, data in zip(digests, self.ops, strict=True):
            vertex = self._decode(digest, data)
            for below, index in vertex.inputs:
                if below not in known or index < 0:
                    raise InvalidDefinitionError(
                        f"operation {digest} has an input that is not in the definition: {below}"
                    )
            vertices.append(vertex)
        if vertices and not vertices[-1].inputs:
            raise InvalidDefinitionError("the last operation of the definition has no input")
        return tuple(vertices)

    def _decode(self, digest: str, data: bytes) -> Vertex:
        # json_format costs 8 ms to import, and a build that only solves never needs it.
        from google.protobuf.json_format import MessageToDict  # noqa: PLC0415

        try:
            op = pb.Op.FromString(data)
        except DecodeError as error:
            raise InvalidDefinitionError(f"operation {digest} cannot be decoded") from error
        kind = op.WhichOneof("op")
        return Vertex(
            digest=digest,
            kind=kind,
            op=MessageToDict(getattr(op, kind), preserving_proto_field_name=True) if kind else {},
            inputs=tuple((each.digest, each.index) for each in op.inputs),
            platform=_platform_text(op.platform) if op.HasField("platform") else None,
            worker_filters=tuple(op.constraints.filter),
            metadata=self.metadata.get(digest, OpMetadata()),
            locations=self.locations.get(digest, ()),
        )

    def _sources_to_pb(self, message: pb.Source) -> None:
        message.SetInParent()
        index = {source_file: number for number, source_file in enumerate(self.files)}
        message.infos.extend(_file_to_pb(source_file) for source_file in self.files)
        for key, locations in self.locations.items():
            message.locations[key].SetInParent()
            message.locations[key].locations.extend(
                _location_to_pb(location, index[location.file]) for location in locations
            )

    def __repr__(self) -> str:
        """Return the number of operations and the digest of the result."""
        return f"<Definition of {len(self.ops)} ops, head {self.head}>"


def digest_of(data: bytes) -> str:
    """Return the digest of an encoded operation: ``sha256:`` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _metadata_to_pb(metadata: OpMetadata, message: pb.OpMetadata) -> None:
    message.ignore_cache = metadata.ignore_cache
    message.description.update(metadata.description)
    message.caps.update(dict.fromkeys(metadata.caps, True))
    if metadata.export_cache is not None:
        message.export_cache.Value = metadata.export_cache
        message.export_cache.SetInParent()
    if (group := metadata.progress_group) is not None:
        message.progress_group.CopyFrom(
            pb.ProgressGroup(id=group.id, name=group.name, weak=group.weak)
        )
    if (limits := metadata.resources) is not None:
        message.linux_resources.CopyFrom(
            pb.LinuxResources(
                memory=limits.memory,
                memorySwap=limits.memory_swap,
                cpuShares=limits.cpu_shares,
                cpuPeriod=limits.cpu_period,
                cpuQuota=limits.cpu_quota,
                cpusetCpus=limits.cpuset_cpus,
                cpusetMems=limits.cpuset_mems,
            )
        )


def _metadata_from_pb(message: pb.OpMetadata) -> OpMetadata:
    group, limits = message.progress_group, message.linux_resources
    return OpMetadata(
        ignore_cache=message.ignore_cache,
        description=dict(message.description),
        export_cache=message.export_cache.Value if message.HasField("export_cache") else None,
        caps=frozenset(cap for cap, needed in message.caps.items() if needed),
        progress_group=(
            ProgressGroup(group.id, group.name, group.weak)
            if message.HasField("progress_group")
            else None
        ),
        resources=(
            LinuxResources(
                limits.memory,
                limits.memorySwap,
                limits.cpuShares,
                limits.cpuPeriod,
                limits.cpuQuota,
                limits.cpusetCpus,
                limits.cpusetMems,
            )
            if message.HasField("linux_resources")
            else None
        ),
    )


def _file_to_pb(source_file: SourceFile) -> pb.SourceInfo:
    info = pb.SourceInfo(
        filename=source_file.filename, data=source_file.data, language=source_file.language
    )
    if source_file.definition is not None:
        info.definition.ParseFromString(source_file.definition)
        info.definition.SetInParent()
    return info


def _file_from_pb(info: pb.SourceInfo) -> SourceFile:
    definition = info.definition.SerializeToString(deterministic=True)
    return SourceFile(
        filename=info.filename,
        data=info.data,
        language=info.language,
        definition=definition if info.HasField("definition") else None,
    )


def _location_to_pb(location: Location, index: int) -> pb.Location:
    return pb.Location(
        sourceIndex=index,
        ranges=[
            pb.Range(
                start=pb.Position(line=each.line, character=each.character),
                end=pb.Position(line=each.end_line, character=each.end_character),
            )
            for each in location.ranges
        ],
    )


def _location_from_pb(location: pb.Location, files: tuple[SourceFile, ...]) -> Location:
    if not 0 <= location.sourceIndex < len(files):
        raise InvalidDefinitionError(
            f"a location refers to source {location.sourceIndex}, of {len(files)}"
        )
    return Location(
        files[location.sourceIndex],
        tuple(
            Range(each.start.line, each.end.line, each.start.character, each.end.character)
            for each in location.ranges
        ),
    )


def _platform_text(platform: pb.Platform) -> str:
    os = platform.OS
    if platform.OSVersion or platform.OSFeatures:
        os = f"{os}({'+'.join((platform.OSVersion, *platform.OSFeatures))})"
    return "/".join(part for part in (os, platform.Architecture, platform.Variant) if part)
