"""What the steps of a tree need of a client: secrets and ssh agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from llb.ops import nodes as ops
from llb.ops.walk import post_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from llb.source_map import CallSite
    from llb.state.state import State


@frozen
class Need:
    """A secret or an ssh agent by its name, and the lines that made the first step with it."""

    name: str
    is_required: bool
    call_site: CallSite


def secrets_of(trees: Iterable[State]) -> tuple[Need, ...]:
    """Return the secrets, each once; one is required if one step requires it."""
    return _needs(trees, lambda op: op.secrets)


def ssh_of(trees: Iterable[State]) -> tuple[Need, ...]:
    """Return the ssh agents, as :func:`secrets_of` does."""
    return _needs(trees, lambda op: op.ssh)


def _needs(
    trees: Iterable[State], of: Callable[[ops.ExecOp], Iterable[ops.Secret | ops.SSH]]
) -> tuple[Need, ...]:
    found: dict[str, Need] = {}
    for op in _processes(trees):
        for each in of(op):
            need = found.setdefault(each.id, Need(each.id, not each.optional, op.call_site or ()))
            if not each.optional:
                found[each.id] = evolve(need, is_required=True)
    return tuple(found.values())


def _processes(trees: Iterable[State]) -> Iterator[ops.ExecOp]:
    for tree in trees:
        for op in () if tree.output is None else post_order(tree.output.op):
            if isinstance(op, ops.ExecOp):
                yield op
