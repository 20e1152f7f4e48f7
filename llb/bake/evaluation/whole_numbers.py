"""Arguments that must be whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.bake.values.problems import Unsuitable

if TYPE_CHECKING:
    from llb.bake.values.value import Value

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def whole(value: Value) -> int:
    """Read a number without a fraction, in 64 bits. Raises Unsuitable."""
    content = value.number
    if not content.is_integer or not _SMALLEST <= content.value <= _LARGEST:
        raise Unsuitable(
            f"value must be a whole number, between {_SMALLEST} and {_LARGEST} inclusive"
        )
    return int(content.value)
