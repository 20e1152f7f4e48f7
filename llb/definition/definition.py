"""A definition: encoded operations with their metadata and source locations.

This is what goes to a daemon as ``pb.Definition``, whoever made it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.definition.protobuf import message, number, number_tag, tag, text, text_map
from llb.errors import InputError, InvalidDefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb._pb import ops_pb2 as pb
    from llb.definition.decode import Vertex
    from llb.ops.metadata import OpMetadata
    from llb.source_map import Location, Range, SourceFile

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
        metadata = {key: message(_SECOND, _metadata(each)) for key, each in self.metadata.items()}
        return b"".join(
            [
                *[message(_FIRST, data) for data in self.ops],
                text_map(_SECOND, metadata),
                message(_THIRD, self._sources()) if self.ops else b"",
            ]
        )

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

    def _sources(self) -> bytes:
        """Return the content of ``pb.Source``."""
        index = {source_file: place for place, source_file in enumerate(self.files)}
        entries = {
            key: b"".join([message(_FIRST, _location(each, index[each.file])) for each in found])
            for key, found in self.locations.items()
        }
        locations = {key: message(_SECOND, content) for key, content in entries.items()}
        infos = [message(_SECOND, _file(source_file)) for source_file in self.files]
        return text_map(_FIRST, locations) + b"".join(infos)

    def __repr__(self) -> str:
        """Return the number of operations and the digest of the result."""
        head: str | None = None
        with suppress(InvalidDefinitionError):
            head = self.head
        return f"<Definition of {len(self.ops)} ops, head {head}>"


_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH, _SIXTH, _SEVENTH = map(tag, range(1, 8))
_NUMBERS = tuple(map(number_tag, range(6)))
_TRUE = number(_NUMBERS[2], 1)


def _metadata(metadata: OpMetadata) -> bytes:
    """Return the content of ``pb.OpMetadata``."""
    out = [
        number(_NUMBERS[1], metadata.ignore_cache),
        text_map(
            _SECOND,
            {key: message(_SECOND, each.encode()) for key, each in metadata.description.items()},
        ),
    ]
    if metadata.export_cache is not None:
        out.append(message(_FOURTH, number(_NUMBERS[1], metadata.export_cache)))
    out.append(_caps(metadata.caps))
    if (group := metadata.progress_group) is not None:
        content = text(_FIRST, group.id) + text(_SECOND, group.name)
        out.append(message(_SIXTH, content + number(_NUMBERS[3], group.weak)))
    if (limits := metadata.resources) is not None:
        numbers = (
            limits.memory,
            limits.memory_swap,
            limits.cpu_shares,
            limits.cpu_period,
            limits.cpu_quota,
        )
        content = b"".join([number(_NUMBERS[n], each) for n, each in enumerate(numbers, 1)])
        cpus = text(_SIXTH, limits.cpuset_cpus) + text(_SEVENTH, limits.cpuset_mems)
        out.append(message(_SEVENTH, content + cpus))
    return b"".join(out)


# Operations of a kind need the same few.
@lru_cache(maxsize=256)
def _caps(caps: frozenset[str]) -> bytes:
    return text_map(_FIFTH, dict.fromkeys(caps, _TRUE))


def _file(source_file: SourceFile) -> bytes:
    """Return the content of ``pb.SourceInfo``."""
    definition = source_file.definition
    return (
        text(_FIRST, source_file.filename)
        + (message(_SECOND, source_file.data) if source_file.data else b"")
        + (b"" if definition is None else message(_THIRD, definition))
        + text(_FOURTH, source_file.language)
    )


def _location(location: Location, index: int) -> bytes:
    """Return the content of ``pb.Location``."""
    ranges = [message(_SECOND, _range(each)) for each in location.ranges]
    return number(_NUMBERS[1], index) + b"".join(ranges)


def _range(found: Range) -> bytes:
    start = _position(found.line, found.character)
    end = _position(found.end_line, found.end_character)
    return message(_FIRST, start) + message(_SECOND, end)


# Most ranges begin and end at the same place, and other operations are from there too.
@lru_cache(maxsize=4096)
def _position(line: int, character: int) -> bytes:
    return number(_NUMBERS[1], line) + number(_NUMBERS[2], character)
