"""Number and encode the inputs of an operation."""

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
"""The index of an output that is discarded (solver/pb/const.go, ``SkipOutput``)."""


# All digests have the same length, so the bytes before them are constant.
_DIGEST = digest_of(b"")
_BEFORE_DIGEST = pb.Op.inputs(pb.Input.digest(_DIGEST)).removesuffix(_DIGEST.encode())


def encode_reference(digest: str) -> bytes:
    """Encode the first output of an operation as an input, a field of ``pb.Op``."""
    return _BEFORE_DIGEST + digest.encode()


def encode_input(references: Mapping[int, bytes], output: Output) -> bytes:
    """Encode an input, a field of ``pb.Op``.

    ``references`` are the first outputs of encoded operations, by the identity of the operation.
    """
    reference = references[id(output.op)]
    return reference if output.index == 0 else _output_reference(reference, output.index)


def add_input(
    inputs: dict[bytes, int], references: Mapping[int, bytes], output: Output | None
) -> int:
    """Look up the index of an output in ``inputs``, and add it if it is missing."""
    if output is None:
        return NONE
    reference = references[id(output.op)]
    if output.index:
        reference = _output_reference(reference, output.index)
    return inputs.setdefault(reference, len(inputs))


def _output_reference(reference: bytes, index: int) -> bytes:
    """Encode another output of the operation whose first output is ``reference``."""
    ((_, content),) = read_fields(reference)
    return pb.Op.inputs(content + pb.Input.index(index))
