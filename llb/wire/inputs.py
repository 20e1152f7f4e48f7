"""The inputs of an operation, numbered while it is being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.definition.protobuf import message, varint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb.ops.nodes import Output

NONE = -1
"""The number of an input that there is not (solver/pb/const.go, ``Empty``)."""

_OP_INPUTS = b"\x0a"
_INPUT_DIGEST = b"\x0a"
_INPUT_INDEX = b"\x10"


def reference(digest: str) -> bytes:
    """Return the digest of an operation as others refer to it."""
    return message(_INPUT_DIGEST, digest.encode())


class Inputs:
    """The inputs of one operation; ``references`` are those of operations by identity."""

    __slots__ = ("_numbers", "_references")

    def __init__(self, references: Mapping[int, bytes]) -> None:
        self._references = references
        self._numbers: dict[bytes, int] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._numbers)

    def add(self, output: Output | None) -> int:
        """Return the number of ``output``; one that is known keeps its own."""
        if output is None:
            return NONE
        return self._numbers.setdefault(_encoded(self._references, output), len(self._numbers))

    def to_bytes(self) -> bytes:
        """Return the field of the operation."""
        return b"".join([message(_OP_INPUTS, each) for each in self._numbers])


def all_to_bytes(references: Mapping[int, bytes], outputs: Iterable[Output]) -> bytes:
    """Return inputs that stand as often as they are given, as in a merge."""
    return b"".join([one_to_bytes(references, output) for output in outputs])


def one_to_bytes(references: Mapping[int, bytes], output: Output) -> bytes:
    """Return a single input."""
    return message(_OP_INPUTS, _encoded(references, output))


def _encoded(references: Mapping[int, bytes], output: Output) -> bytes:
    known = references[id(output.op)]
    return known if output.index == 0 else known + _INPUT_INDEX + varint(output.index)
