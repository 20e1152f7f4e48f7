"""A definition: encoded operations with their metadata and source locations.

It is sent to the daemon as ``pb.Definition``, whichever client created it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb import ops_proto
from llb._lazy import lazy_imports
from llb.arguments.checked import checked
from llb.definition.encode import encode_definition
from llb.errors import InputError, InvalidDefinitionError

with lazy_imports(__name__):
    import pathlib  # 4 ms

    from llb.definition import decode  # 19 ms
    from llb.local_files import atomic_write  # 4 ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb._pb import ops_pb2 as pb
    from llb.definition.decode import Vertex
    from llb.ops.metadata import OpMetadata
    from llb.source_map import Location, SourceFile


@frozen(repr=False)
class Definition:
    """Encoded operations, inputs first; the last one points at the result.

    A definition without operations is the empty tree. ``metadata`` and ``locations`` are keyed by
    the digests of the operations.
    """

    ops: tuple[bytes, ...] = ()
    metadata: Mapping[str, OpMetadata] = field(factory=dict)
    locations: Mapping[str, tuple[Location, ...]] = field(factory=dict)
    files: tuple[SourceFile, ...] = ()

    @classmethod
    @checked
    def from_bytes(cls, data: bytes) -> Definition:
        """Decode a serialized ``pb.Definition``.

        Raises InvalidDefinitionError if ``data`` is not a definition, an operation cannot be
        decoded, an input is missing, or the last operation does not point at a result. Time and
        memory are linear in the length of ``data``.
        """
        return cls.from_pb(decode.parse(data))

    @classmethod
    def from_pb(cls, message: pb.Definition) -> Definition:
        """Build a definition from a protobuf message. Raises InvalidDefinitionError."""
        files = decode.files_of(message)
        definition = cls(
            ops=tuple(getattr(message, "def")),
            metadata=decode.metadata_of(message),
            locations=decode.locations_of(message, files),
            files=files,
        )
        definition.vertices()
        return definition

    @classmethod
    @checked
    def from_file(cls, path: str | os.PathLike[str]) -> Definition:
        """Read a definition from a file.

        Raises InputError if the file cannot be read, and the errors of :meth:`from_bytes`.
        """
        try:
            data = pathlib.Path(path).read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {os.fspath(path)}: {error.strerror}") from error
        try:
            return cls.from_bytes(data)
        except InvalidDefinitionError as error:
            raise InvalidDefinitionError(
                f"{os.fspath(path)}: {error.message}", hint=error.hint
            ) from error

    def to_pb(self) -> pb.Definition:
        """Convert the definition to a protobuf message.

        Raises InvalidDefinitionError if the definition of a source file is invalid.
        """
        return decode.parse(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Serialize to ``pb.Definition``; equal definitions have equal bytes."""
        return encode_definition(self.ops, self.metadata, self.locations, self.files)

    @checked
    def to_file(self, path: str | os.PathLike[str]) -> None:
        """Write the definition to a file atomically.

        Raises InputError if the file cannot be written.
        """
        atomic_write.write_whole(path, self.to_bytes())

    @property
    def head(self) -> str | None:
        """The digest of the operation that creates the result; None for the empty tree.

        Raises InvalidDefinitionError if the last operation does not point at a result.
        """
        return decode.head(self.ops[-1]) if self.ops else None

    @checked
    def at(self, digest: str, index: int = 0) -> Definition:
        """Select the part of the graph that creates an output of an operation.

        ``index`` is the number of the output. Raises InvalidDefinitionError if the definition has
        no such operation.
        """
        ops = {vertex.digest: vertex for vertex in self.vertices()}
        if digest not in ops:
            raise InvalidDefinitionError(f"operation {digest} is not in the definition")
        needed: set[str] = set()
        pending = [digest]
        while pending:
            if (name := pending.pop()) not in needed:
                needed.add(name)
                pending += [source for source, _ in ops[name].inputs]
        last = ops_proto.Op.inputs(ops_proto.Input.digest(digest) + ops_proto.Input.index(index))
        return Definition(
            ops=(*(ops[name].encoded for name in ops if name in needed), last),
            metadata={name: self.metadata[name] for name in needed & self.metadata.keys()},
            locations={name: self.locations[name] for name in needed & self.locations.keys()},
            files=self.files,
        )

    def vertices(self) -> tuple[Vertex, ...]:
        """Decode the operations, once, in the order of the definition.

        Raises InvalidDefinitionError as :meth:`from_bytes` does.
        """
        return self._vertices

    @cached_property
    def _vertices(self) -> tuple[Vertex, ...]:

        return decode.vertices(self.ops, self.metadata, self.locations)

    def __repr__(self) -> str:
        """Show the number of operations and the digest of the result."""
        head: str | None = None
        with suppress(InvalidDefinitionError):
            head = self.head
        return f"<Definition of {len(self.ops)} ops, head {head}>"
