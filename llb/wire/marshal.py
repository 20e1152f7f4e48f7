"""Marshal a graph to a definition, with every operation once and after its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from attrs import frozen

from llb import ops_proto as pb
from llb.buildkit_names import DOCKER_IMAGE_SCHEME, LOCAL_SCHEME, OCI_SCHEME
from llb.definition.definition import Definition
from llb.definition.encode import encode_platform
from llb.errors import InvalidValueError
from llb.ops.metadata import OpMetadata
from llb.ops.nodes import (
    BuildOp,
    Constraints,
    DiffOp,
    EncodedOp,
    ExecOp,
    FileOp,
    LateSourceOp,
    MergeOp,
    Op,
    Output,
    PassthroughOp,
    SourceOp,
    source_of,
)
from llb.ops.walk import post_order
from llb.protobuf import digest_of
from llb.source_map import Location, SourceFile, python_locations
from llb.wire.exec import ExecEncoder
from llb.wire.files import encode_file
from llb.wire.inputs import NONE, encode_input, encode_reference

if TYPE_CHECKING:
    from llb.platforms import Platform
    from llb.source_map import CallSite

_PLATFORM_SOURCES = (DOCKER_IMAGE_SCHEME, OCI_SCHEME)
_LLB_BUILDER = -1
_LLB_DEFINITION = "buildkit.llb.definition"


@frozen
class MarshalOptions:
    """The options of a definition besides its graph.

    ``platform`` applies to operations without one, and ``worker_filters`` precede those of each
    operation. ``local_unique_id`` separates equal local sources of different builds. ``caps`` are
    the capabilities of the daemon, if known; with them, the default PATH is set as Go does.
    ``source_map`` enables source locations.
    """

    platform: Platform
    worker_filters: tuple[str, ...] = ()
    local_unique_id: str = ""
    caps: frozenset[str] | None = None
    source_map: bool = True


def marshal(root: Output | None, options: MarshalOptions) -> Definition:
    """Marshal the graph below ``root`` to a definition; None is the empty tree.

    Raises InvalidValueError for a string that cannot be encoded as UTF-8.
    """
    if root is None:
        return Definition()
    writer = _Writer(options)
    try:
        for op in post_order(root.op):
            writer.add(op)
    except UnicodeEncodeError as error:
        raise InvalidValueError(
            f"invalid string {error.object!r}: it contains half of a surrogate pair"
        ) from error
    return writer.finish(root)


_Encoded = tuple[bytes, bytes, frozenset[str]]
"""The field of the inputs, the field of the operation itself, and the capabilities."""


class _Writer:
    """Write a definition, operation by operation."""

    # An attrs class would add 1 ms to each import of the package.
    def __init__(self, options: MarshalOptions) -> None:
        self.options = options
        self.references: dict[int, bytes] = {}
        self.ops: dict[str, bytes] = {}
        self.metadata: dict[str, OpMetadata] = {}
        self.locations: dict[str, tuple[Location, ...]] = {}
        self.files: dict[SourceFile, None] = {}
        self.metadata_cache: dict[tuple[int, frozenset[str]], OpMetadata] = {}
        self.site_cache: dict[CallSite, tuple[Location, ...]] = {}
        self.constraints_cache: dict[tuple[int, tuple[str, ...]], tuple[bytes, bytes]] = {}
        windows = options.platform.os == "windows"
        self.processes = ExecEncoder(self.references, options.caps, windows=windows)

    def add(self, op: Op) -> None:
        """Write ``op`` after its inputs; equal operations become one."""
        if isinstance(op, EncodedOp):
            data, caps = op.data, op.caps
        else:
            inputs, body, caps = self._encode(op)
            platform, constraints = self._constraints(op.constraints)
            if not _keeps_platform(op):
                platform = b""
            data = inputs + platform + constraints + body
        digest = digest_of(data)
        self.references[id(op)] = encode_reference(digest)
        metadata = self._metadata(op.constraints, caps)
        locations = self._locations(op)
        if digest in self.ops:
            metadata = self.metadata[digest].merged(metadata)
            locations = self.locations[digest] + locations
        else:
            self.ops[digest] = data
        self.metadata[digest] = metadata
        self.locations[digest] = locations

    def finish(self, root: Output) -> Definition:
        """Build the definition; its last operation points at ``root``."""
        last = encode_input(self.references, root)
        caps = {"constraints", "platform"}
        all_metadata = self.metadata_cache.values()
        if any(metadata.ignore_cache for metadata in all_metadata):
            caps.add("meta.ignorecache")
        if any(metadata.description for metadata in all_metadata):
            caps.add("meta.description")
        if any(metadata.export_cache is not None for metadata in all_metadata):
            caps.add("meta.exportcache")
        self.metadata[digest_of(last)] = OpMetadata(caps=frozenset(caps))
        return Definition(
            ops=(*self.ops.values(), last),
            metadata=self.metadata,
            locations=self.locations,
            files=tuple(self.files),
        )

    def _encode(self, op: _PlainOp) -> _Encoded:
        match op:
            case ExecOp():
                inputs, body, caps = self.processes.encode(op)
                return inputs, pb.Op.exec(body), caps
            case FileOp():
                inputs, body = encode_file(op, self.references)
                return inputs, pb.Op.file(body), _FILE_CAPS
            case SourceOp():
                return self._source(op)
            case LateSourceOp():
                return self._source(op.source)
            case MergeOp():
                return self._all_inputs(op), pb.Op.merge(_merge(op)), _MERGE_CAPS
            case DiffOp():
                return self._all_inputs(op), pb.Op.diff(_diff(op)), _DIFF_CAPS
            case BuildOp():
                return self._all_inputs(op), pb.Op.build(_build(op)), _BUILD_CAPS
            case PassthroughOp():
                return self._all_inputs(op), pb.Op.passthrough(_passthrough(op)), _PASSTHROUGH_CAPS
            case _:
                assert_never(op)

    def _all_inputs(self, op: _PlainOp) -> bytes:
        """Encode all inputs, including duplicates."""
        return b"".join([encode_input(self.references, source) for source in op.inputs])

    def _source(self, op: SourceOp) -> _Encoded:
        attrs, caps = dict(op.attrs), frozenset(op.caps)
        if op.identifier.startswith(LOCAL_SCHEME) and "local.session" not in attrs:
            attrs.setdefault("local.unique", self.options.local_unique_id)
            caps |= {"source.local.unique"}
        body = pb.SourceOp.identifier(op.identifier) + pb.SourceOp.attrs(attrs)
        return b"", pb.Op.source(body), caps

    def _constraints(self, constraints: Constraints) -> tuple[bytes, bytes]:
        """Encode the fields of the platform and the worker constraints."""
        platform = constraints.platform or self.options.platform
        key = id(platform), constraints.worker_filters
        encoded = self.constraints_cache.get(key)
        if encoded is None:
            filters = (*self.options.worker_filters, *constraints.worker_filters)
            encoded = (
                pb.Op.platform(encode_platform(platform)),
                pb.Op.constraints(pb.WorkerConstraints.filter(filters)),
            )
            self.constraints_cache[key] = encoded
        return encoded

    def _metadata(self, constraints: Constraints, caps: frozenset[str]) -> OpMetadata:
        key = id(constraints), caps
        metadata = self.metadata_cache.get(key)
        if metadata is None:
            metadata = self.metadata_cache[key] = OpMetadata(
                ignore_cache=constraints.ignore_cache,
                description=dict(constraints.description),
                export_cache=constraints.export_cache,
                caps=caps,
                progress_group=constraints.progress_group,
                resources=constraints.resources,
            )
        return metadata

    def _locations(self, op: Op) -> tuple[Location, ...]:
        if not self.options.source_map:
            return ()
        if op.constraints.locations or op.call_site is None:
            op_locations = op.constraints.locations
            self.files.update(dict.fromkeys([location.file for location in op_locations]))
            return op_locations
        known_locations = self.site_cache.get(op.call_site)
        if known_locations is None:
            known_locations = self.site_cache[op.call_site] = python_locations(op.call_site)
            self.files.update(dict.fromkeys([location.file for location in known_locations]))
        return known_locations


_PlainOp = SourceOp | LateSourceOp | ExecOp | FileOp | MergeOp | DiffOp | BuildOp | PassthroughOp
# Go intends to record the capabilities of single actions too, but records none of them, and the
# daemon would refuse one of them.
_FILE_CAPS = frozenset({"file.base"})
_MERGE_CAPS = frozenset({"mergeop"})
_DIFF_CAPS = frozenset({"diffop"})
_BUILD_CAPS = frozenset({"source.buildop.llbfilename"})
_PASSTHROUGH_CAPS = frozenset({"passthroughop"})


def _keeps_platform(op: _PlainOp) -> bool:
    if isinstance(op, (ExecOp, BuildOp)):
        return True
    source = source_of(op)
    return source is not None and source.identifier.startswith(_PLATFORM_SOURCES)


def _merge(op: MergeOp) -> bytes:
    # Go counts a duplicate input twice.
    numbers = range(len(op.inputs))
    return b"".join([pb.MergeOp.inputs(pb.MergeInput.input(number)) for number in numbers])


def _diff(op: DiffOp) -> bytes:
    lower = NONE if op.lower is None else 0
    upper = NONE if op.upper is None else lower + 1
    return pb.DiffOp.lower(pb.LowerDiffInput.input(lower)) + pb.DiffOp.upper(
        pb.UpperDiffInput.input(upper)
    )


def _build(op: BuildOp) -> bytes:
    inputs = {_LLB_DEFINITION: pb.BuildInput.input(0)}
    attrs = {"llbbuild.filename": op.filename} if op.filename else {}
    fields = pb.BuildOp
    return fields.builder(_LLB_BUILDER) + fields.inputs(inputs) + fields.attrs(attrs)


def _passthrough(op: PassthroughOp) -> bytes:
    return pb.PassthroughOp.id(op.id) + pb.PassthroughOp.outputs(op.forwarded)
