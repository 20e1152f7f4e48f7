"""The inputs of an operation, numbered while it is being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb import ops_proto as pb
from llb.protobuf import digest_of, read_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.ops.nodes import Output

NONE = -1
"""The index that means "no input" (solver/pb/const.go, ``Empty``)."""

SKIP_OUTPUT = -1
"""The number of an output that is not kept (solver/pb/const.go, ``SkipOutput``)."""


# All digests are of one length, and therefore the bytes before them are the same.
_DIGEST = digest_of(b"")
_BEFORE_DIGEST = pb.Op.inputs(pb.Input.digest(_DIGEST)).removesuffix(_DIGEST.encode())


def encode_reference(digest: str) -> bytes:
    """Encode the first output of an operation as an input of others, a field of ``pb.Op``."""
    return _BEFORE_DIGEST + digest.encode()


def encode_input(references: Mapping[int, bytes], output: Output) -> bytes:
    """Encode an input, a field of ``pb.Op``.

    ``references`` are the first outputs of encoded operations, by the identity of these.
    """
    reference = references[id(output.op)]
    return reference if output.index == 0 else _at(reference, output.index)


def add_input(
    inputs: dict[bytes, int], references: Mapping[int, bytes], output: Output | None
) -> int:
    """Return the number of an output among the encoded ``inputs``, to which it is added once."""
    if output is None:
        return NONE
    reference = references[id(output.op)]
    if output.index:
        reference = _at(reference, output.index)
    return inputs.setdefault(reference, len(inputs))


def _at(reference: bytes, index: int) -> bytes:
    """Return another output of the operation that ``reference`` is the first of."""
    ((_, content),) = read_fields(reference)
    return pb.Op.inputs(content + pb.Input.index(index))
