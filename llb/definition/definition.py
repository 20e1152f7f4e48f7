"""A definition: encoded operations with their metadata and source locations.

This is what goes to a daemon as ``pb.Definition``, whoever made it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.definition.encode import encode_definition
from llb.errors import InputError, InvalidDefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb._pb import ops_pb2 as pb
    from llb.definition.decode import Vertex
    from llb.ops.metadata import OpMetadata
    from llb.source_map import Location, SourceFile

# What reads definitions imports protobuf, which takes 20 ms, and files need pathlib, which takes
# 2 ms; many a build script only makes definitions. The methods therefore import it themselves.
# ruff: noqa: PLC0415


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

        Raises InvalidDefinitionError where ``data`` is something else, an operation cannot
        be decoded, an input refers to nothing, or the last operation points at no result.
        The time and memory that this takes grow with the length of ``data`` alone.
        """
        from llb.definition import decode

        return cls.from_pb(decode.parse(data))

    @classmethod
    def from_pb(cls, message: pb.Definition) -> Definition:
        """Return the definition that the message holds. Raises InvalidDefinitionError."""
        from llb.definition import decode

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
    def from_file(cls, path: str | os.PathLike[str]) -> Definition:
        """Return the definition in a file.

        Raises InputError where the file cannot be read, and what :meth:`from_bytes` raises.
        """
        from pathlib import Path

        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {os.fspath(path)}: {error.strerror}") from error
        try:
            return cls.from_bytes(data)
        except InvalidDefinitionError as error:
            raise InvalidDefinitionError(
                f"{os.fspath(path)}: {error.message}", hint=error.hint
            ) from error

    def to_pb(self) -> pb.Definition:
        """Return the definition as a protobuf message.

        Raises InvalidDefinitionError where the definition of a source file is none.
        """
        from llb.definition import decode

        return decode.parse(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the serialized ``pb.Definition``; equal definitions give equal bytes."""
        return encode_definition(self.ops, self.metadata, self.locations, self.files)

    def to_file(self, path: str | os.PathLike[str]) -> None:
        """Write the definition to a file, whole or not at all.

        Raises InputError where the file cannot be written.
        """
        from llb.atomic_write import write_whole

        write_whole(path, self.to_bytes())

    @property
    def head(self) -> str | None:
        """The digest of the operation that yields the result; None for the empty tree.

        Raises InvalidDefinitionError where the last operation points at no result.
        """
        from llb.definition import decode

        return decode.head(self.ops[-1]) if self.ops else None

    def vertices(self) -> tuple[Vertex, ...]:
        """Return the operations decoded, in the order of the definition.

        They are decoded once. Raises InvalidDefinitionError as :meth:`from_bytes` does.
        """
        return self._vertices

    @cached_property
    def _vertices(self) -> tuple[Vertex, ...]:
        from llb.definition import decode

        return decode.vertices(self.ops, self.metadata, self.locations)

    def __repr__(self) -> str:
        """Return the number of operations and the digest of the result."""
        head: str | None = None
        with suppress(InvalidDefinitionError):
            head = self.head
        return f"<Definition of {len(self.ops)} ops, head {head}>"
