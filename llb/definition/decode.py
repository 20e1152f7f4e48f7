"""Definitions and operations out of bytes, checked; the one part of the model that reads protobuf.

It is apart from :mod:`llb.definition.definition` because protobuf takes longer to import than a build
script to run, and a script only writes.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from google.protobuf.message import DecodeError

from llb._pb import ops_pb2 as pb
from llb.definition.message_dict import plain
from llb.errors import InvalidDefinitionError
from llb.ops.metadata import CUSTOM_NAME, OpMetadata
from llb.ops.nodes import LinuxResources, ProgressGroup
from llb.protobuf import digest_of
from llb.source_map import Location, Range, SourceFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@frozen
class Vertex:
    """One operation of a definition, decoded.

    ``encoded`` are its bytes. ``kind`` is the field of ``pb.Op`` that is set
    (``source``, ``exec``, ``file``, ``build``, ``merge``, ``diff``,
    ``passthrough``) and ``None`` for the last operation, which only points at
    the result. ``inputs`` are pairs of digest and output number. A ``platform``
    that is there and says nothing is ``""``.
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
        """The custom name, where the step has one."""
        return self.metadata.description.get(CUSTOM_NAME)

    @property
    def op(self) -> Mapping[str, Any]:
        """The content of the field ``kind``, as :func:`llb.definition.message_dict.plain` gives it."""
        content: dict[str, Any] = self.fields.get(self.kind, {}) if self.kind else {}
        return content

    @cached_property
    def fields(self) -> Mapping[str, Any]:
        """The whole ``pb.Op``, as :func:`llb.definition.message_dict.plain` gives it; decoded when first asked."""
        return plain(_op_from_bytes(self.digest, self.encoded))

    @property
    def content(self) -> bytes:
        """The operation in bytes without its inputs: what it does, whatever it does it to."""
        message = _op_from_bytes(self.digest, self.encoded)
        message.ClearField("inputs")
        return message.SerializeToString(deterministic=True)


def parse(data: bytes) -> pb.Definition:
    """Return the message that is serialized in ``data``. Raises InvalidDefinitionError."""
    try:
        message = pb.Definition.FromString(data)
    except DecodeError as error:
        raise _no_definition() from error
    # Fields that nobody knows are no error to protobuf; a text may look like one of them.
    if data and not message.ListFields():
        raise _no_definition()
    return message


def metadata_of(message: pb.Definition) -> dict[str, OpMetadata]:
    """Return the metadata of operations by their digests."""
    return {key: _metadata_from_pb(value) for key, value in message.metadata.items()}


def files_of(message: pb.Definition) -> tuple[SourceFile, ...]:
    """Return the source files."""
    return tuple(_file_from_pb(info) for info in message.Source.infos)


def locations_of(
    message: pb.Definition, files: tuple[SourceFile, ...]
) -> dict[str, tuple[Location, ...]]:
    """Return the source locations of operations by their digests.

    Raises InvalidDefinitionError for one in a file that there is not.
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
    """Return operations decoded. Raises InvalidDefinitionError for a graph that cannot be."""
    digests = [digest_of(data) for data in ops]
    messages = [_op_from_bytes(digest, data) for digest, data in zip(digests, ops, strict=True)]
    _check(list(zip(digests, messages, strict=True)))
    return tuple(
        Vertex(
            digest=digest,
            encoded=data,
            kind=message.WhichOneof("op"),
            inputs=tuple((each.digest, each.index) for each in message.inputs),
            platform=_platform_text(message.platform) if message.HasField("platform") else None,
            worker_filters=tuple(message.constraints.filter),
            metadata=metadata.get(digest, _NO_METADATA),
            locations=locations.get(digest, ()),
        )
        for digest, data, message in zip(digests, ops, messages, strict=True)
    )


def head(last: bytes) -> str:
    """Return the digest that the last operation of a definition points at.

    Raises InvalidDefinitionError where it points at nothing.
    """
    message = _op_from_bytes(digest_of(last), last)
    _check_inputs(message)
    return message.inputs[0].digest


_NO_METADATA = OpMetadata()


def _no_definition() -> InvalidDefinitionError:
    return InvalidDefinitionError(
        "these bytes are no LLB definition",
        hint="expected the output of a build script, or of State.marshal().to_bytes()",
    )


def _op_from_bytes(digest: str, data: bytes) -> pb.Op:
    try:
        return pb.Op.FromString(data)
    except DecodeError as error:
        raise InvalidDefinitionError(f"operation {digest} cannot be decoded") from error


def _check(messages: Sequence[tuple[str, pb.Op]]) -> None:
    """Raise InvalidDefinitionError for a graph that the daemon refuses or misreads.

    An input may come later than what uses it and an operation may be there twice, as for the
    daemon. A cycle would need an operation that holds its own digest.
    """
    known = dict(messages)
    outputs: dict[str, int | None] = {}
    for digest, message in messages:
        for each in message.inputs:
            if each.digest not in known:
                raise InvalidDefinitionError(
                    f"operation {digest} has an input that is not in the definition: {each.digest}"
                )
            # Most inputs are output 0, which all operations have.
            if each.index:
                _check_output(digest, each, known, outputs)
    if messages:
        _check_last(messages[-1][1])


def _check_output(
    digest: str, used: pb.Input, known: Mapping[str, pb.Op], outputs: dict[str, int | None]
) -> None:
    """Raise InvalidDefinitionError where ``used`` is an output that its operation lacks."""
    if used.digest not in outputs:
        outputs[used.digest] = _output_count(known[used.digest])
    count = outputs[used.digest]
    if used.index < 0 or (count is not None and used.index >= count):
        raise InvalidDefinitionError(
            f"operation {digest} takes output {used.index} of {used.digest}, "
            f"which has {'others' if count is None else count}"
        )


def _output_count(message: pb.Op) -> int | None:
    """Return how many outputs an operation has; None where only the daemon knows."""
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
