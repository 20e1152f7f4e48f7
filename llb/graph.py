"""Walks over operations. They are iterative, so that a chain may be of any length."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.ops import Op


def post_order(root: Op) -> Iterator[Op]:
    """Yield every operation below ``root`` once, inputs before those that use them.

    The order is the one in which Go's ``Marshal`` writes a definition: depth
    first, inputs in the order of ``op.inputs``. A graph of frozen values has no
    cycles.
    """
    done: set[int] = set()
    stack: list[tuple[Op, Iterator[Op]]] = [(root, _input_ops(root))]
    while stack:
        op, pending = stack[-1]
        below = next((child for child in pending if id(child) not in done), None)
        if below is not None:
            stack.append((below, _input_ops(below)))
            continue
        stack.pop()
        if id(op) not in done:
            done.add(id(op))
            yield op


def _input_ops(op: Op) -> Iterator[Op]:
    return (output.op for output in op.inputs)
