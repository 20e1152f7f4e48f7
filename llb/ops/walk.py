"""Walks over operations. They are iterative, so that a chain may be of any length."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llb.ops.nodes import Op


def post_order(root: Op, leaves: Iterable[Op] = ()) -> Iterator[Op]:
    """Yield every operation below ``root`` once, inputs before those that use them.

    The order is the one in which Go's ``Marshal`` writes a definition: depth
    first, inputs in the order of ``op.inputs``. A graph of frozen values has no
    cycles. ``leaves`` are not asked for inputs, and not yielded.
    """
    done: set[int] = set(map(id, leaves))
    stack = [root]
    while stack:
        op = stack[-1]
        if id(op) in done:
            stack.pop()
            continue
        pending = [each.op for each in op.inputs if id(each.op) not in done]
        if pending:
            pending.reverse()
            stack += pending
        else:
            stack.pop()
            done.add(id(op))
            yield op
