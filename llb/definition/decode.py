"""Decode and check definitions; the only module of the model that reads protobuf.

It is separate from :mod:`llb.definition.definition` because importing protobuf takes longer than
running a build script, and a script only writes.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from google.protobuf.message import DecodeError

from llb._pb import ops_pb2 as pb
from llb.definition.message_dict import plain
from llb.errors import InvalidDefinitionError, InvalidValueError
from llb.ops.metadata import CUSTOM_NAME, OpMetadata
from llb.ops.nodes import LinuxResources, ProgressGroup
from llb.protobuf import digest_of
from llb.source_map import Location, Range, SourceFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@frozen
class Vertex:
    """One operation of a definition, decoded.

    ``encoded`` is the operation in bytes. ``kind`` is the field of ``pb.Op`` that is set
    (``source``, ``exec``, ``file``, ``build``, ``merge``, ``diff``, ``passthrough``), or ``None``
    for the last operation, which only points at the result. ``inputs`` are pairs of digest and
    output index. ``platform`` is ``""`` if it is present but empty.
    """

    digest: str
    encoded: bytes = field(repr=False)
    kind: str | None
    inputs: tuple[tuple[str, int], ...]
    platform: str | None
    worker_filters: tuple[str, ...]
    metadata: OpMetadata
    locations: tuple[Location, ...]

    @property
    def name(self) -> str | None:
        """The custom name of the step, if any."""
        return self.metadata.description.get(CUSTOM_NAME)

    @property
    def op(self) -> Mapping[str, Any]:
        """The content of the field ``kind``, see :func:`llb.definition.message_dict.plain`."""
        content: dict[str, Any] = self.fields.get(self.kind, {}) if self.kind else {}
        return content

    @cached_property
    def fields(self) -> Mapping[str, Any]:
        """The whole ``pb.Op``, as :func:`llb.definition.message_dict.plain` converts it.

        It is decoded on first access.
        """
        return plain(_op_from_bytes(self.digest, self.encoded))

    @property
    def content(self) -> bytes:
        """The encoded operation without its inputs."""
        message = _op_from_bytes(self.digest, self.encoded)
        message.ClearField("inputs")
        return message.SerializeToString(deterministic=True)


def parse(data: bytes) -> pb.Definition:
    """Decode the protobuf message of a definition. Raises InvalidDefinitionError."""
    try:
        message = pb.Definition.FromString(data)
    except DecodeError as error:
        raise _invalid_definition() from error
    # Protobuf accepts unknown fields, and plain text may look like one.
    if data and not message.ListFields():
        raise _invalid_definition()
    return message


def metadata_of(message: pb.Definition) -> dict[str, OpMetadata]:
    """Read the metadata of operations by digest. Raises InvalidDefinitionError."""
    return {key: _metadata_from_pb(key, value) for key, value in message.metadata.items()}


def files_of(message: pb.Definition) -> tuple[SourceFile, ...]:
    """Read the source files."""
    return tuple(_file_from_pb(info) for info in message.Source.infos)


def locations_of(
    message: pb.Definition, files: tuple[SourceFile, ...]
) -> dict[str, tuple[Location, ...]]:
    """Read the source locations of operations by digest.

    Raises InvalidDefinitionError if a location refers to a missing file.
    """
    return {
        key: tuple(_location_from_pb(location, files) for location in value.locations)
        for key, value in message.Source.locations.items()
    }


def vertices(
    ops: Sequence[bytes],
    metadata: Mapping[str, OpMetadata],
    locations: Mapping[str, tuple[Location, ...]],
) -> tuple[Vertex, ...]:
    """Decode operations. Raises InvalidDefinitionError if their graph is invalid."""
    digests = [digest_of(data) for data in ops]
    messages = [_op_from_bytes(digest, data) for digest, data in zip(digests, ops, strict=True)]
    _check(list(zip(digests, messages, strict=True)))
    return tuple(
        Vertex(
            digest=digest,
            encoded=data,
            kind=message.WhichOneof("op"),
            inputs=tuple((source.digest, source.index) for source in message.inputs),
            platform=_platform_text(message.platform) if message.HasField("platform") else None,
            worker_filters=tuple(message.constraints.filter),
            metadata=metadata.get(digest, _NO_METADATA),
            locations=locations.get(digest, ()),
        )
        for digest, data, message in zip(digests, ops, messages, strict=True)
    )


def file_actions(vertex: Vertex) -> Sequence[pb.FileAction]:
    """Decode the actions of a file operation, none for any other kind."""
    if vertex.kind != "file":
        return ()
    return _op_from_bytes(vertex.digest, vertex.encoded).file.actions


def head(last: bytes) -> str:
    """Find the digest that the last operation of a definition points at.

    Raises InvalidDefinitionError if it has no input.
    """
    message = _op_from_bytes(digest_of(last), last)
    _check_inputs(message)
    return message.inputs[0].digest


_NO_METADATA = OpMetadata()


def _invalid_definition() -> InvalidDefinitionError:
    return InvalidDefinitionError(
        "invalid LLB definition",
        hint="expected the output of a build script, or of State.marshal().to_bytes()",
    )


def _op_from_bytes(digest: str, data: bytes) -> pb.Op:
    try:
        return pb.Op.FromString(data)
    except DecodeError as error:
        raise InvalidDefinitionError(f"operation {digest} cannot be decoded") from error


def _check(messages: Sequence[tuple[str, pb.Op]]) -> None:
    """Raise InvalidDefinitionError for a graph that the daemon would refuse or misread.

    Like the daemon, accept an input that comes after its user, and duplicate operations. A cycle
    is impossible, because an operation would have to contain its own digest.
    """
    ops_by_digest = dict(messages)
    outputs: dict[str, int | None] = {}
    for digest, message in messages:
        for source in message.inputs:
            if source.digest not in ops_by_digest:
                raise InvalidDefinitionError(
                    f"operation {digest} has an input that is not in the definition: "
                    f"{source.digest}"
                )
            # Most inputs are output 0, which all operations have.
            if source.index:
                _check_output(digest, source, ops_by_digest, outputs)
    if messages:
        _check_last(messages[-1][1])


def _check_output(
    digest: str, used: pb.Input, ops_by_digest: Mapping[str, pb.Op], outputs: dict[str, int | None]
) -> None:
    """Raise InvalidDefinitionError if ``used`` is an output that its operation lacks."""
    if used.digest not in outputs:
        outputs[used.digest] = _output_count(ops_by_digest[used.digest])
    count = outputs[used.digest]
    if used.index < 0 or (count is not None and used.index >= count):
        raise InvalidDefinitionError(
            f"operation {digest} takes output {used.index} of {used.digest}, "
            f"which has {'no such output' if count is None else count}"
        )


def _output_count(message: pb.Op) -> int | None:
    """Count the outputs of an operation; None if only the daemon knows."""
    match message.WhichOneof("op"):
        case "exec":
            return sum(mount.output >= 0 for mount in message.exec.mounts)
        case "file":
            return sum(action.output >= 0 for action in message.file.actions)
        case "passthrough":
            return len(message.passthrough.outputs)
        case "build" | None:
            return None
        case _:
            return 1


def _check_last(message: pb.Op) -> None:
    if message.WhichOneof("op") is not None:
        raise InvalidDefinitionError(
            "the last operation of the definition does not point at the result",
            hint="the definition may have been cut off",
        )
    _check_inputs(message)


def _check_inputs(message: pb.Op) -> None:
    if not message.inputs:
        raise InvalidDefinitionError("the last operation of the definition has no input")


def _metadata_from_pb(digest: str, message: pb.OpMetadata) -> OpMetadata:
    try:
        group, resources = _group_from_pb(message), _resources_from_pb(message)
    except InvalidValueError as error:
        raise InvalidDefinitionError(f"operation {digest}: {error.message}") from error
    return OpMetadata(
        ignore_cache=message.ignore_cache,
        description=dict(message.description),
        export_cache=message.export_cache.Value if message.HasField("export_cache") else None,
        caps=frozenset(cap for cap, needed in message.caps.items() if needed),
        progress_group=group,
        resources=resources,
    )


def _group_from_pb(message: pb.OpMetadata) -> ProgressGroup | None:
    if not message.HasField("progress_group"):
        return None
    group = message.progress_group
    return ProgressGroup(group.id, group.name, group.weak)


def _resources_from_pb(message: pb.OpMetadata) -> LinuxResources | None:
    if not message.HasField("linux_resources"):
        return None
    limits = message.linux_resources
    return LinuxResources(
        limits.memory,
        limits.memorySwap,
        limits.cpuShares,
        limits.cpuPeriod,
        limits.cpuQuota,
        limits.cpusetCpus,
        limits.cpusetMems,
    )


def _file_from_pb(info: pb.SourceInfo) -> SourceFile:
    definition = info.definition.SerializeToString(deterministic=True)
    return SourceFile(
        filename=info.filename,
        data=info.data,
        language=info.language,
        definition=definition if info.HasField("definition") else None,
    )


def _location_from_pb(location: pb.Location, files: tuple[SourceFile, ...]) -> Location:
    if not 0 <= location.sourceIndex < len(files):
        raise InvalidDefinitionError(
            f"invalid source index {location.sourceIndex} in a location: "
            f"the definition has {len(files)} source files"
        )
    return Location(
        files[location.sourceIndex],
        tuple(
            Range(span.start.line, span.end.line, span.start.character, span.end.character)
            for span in location.ranges
        ),
    )


def _platform_text(platform: pb.Platform) -> str:
    os = platform.OS
    if platform.OSVersion or platform.OSFeatures:
        os = f"{os}({'+'.join((platform.OSVersion, *platform.OSFeatures))})"
    return "/".join(part for part in (os, platform.Architecture, platform.Variant) if part)
