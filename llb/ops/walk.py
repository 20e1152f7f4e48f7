"""Traversal of the operation graph, iterative so that chains may have any length."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llb.ops.nodes import Op


def post_order(root: Op, leaves: Iterable[Op] = ()) -> Iterator[Op]:
    """Yield every operation below ``root`` once, inputs before the operations that use them.

    The order is that in which Go's ``Marshal`` writes a definition: depth first, inputs in the
    order of ``op.inputs``. A graph of frozen values has no cycles. ``leaves`` are neither traversed
    nor yielded.
    """
    done: set[int] = set(map(id, leaves))
    stack = [root]
    while stack:
        op = stack[-1]
        if id(op) in done:
            stack.pop()
            continue
        pending = [output.op for output in op.inputs if id(output.op) not in done]
        if pending:
            pending.reverse()
            stack += pending
        else:
            stack.pop()
            done.add(id(op))
            yield op
