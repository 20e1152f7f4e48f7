"""Secrets and ssh agents that the steps of a tree need from the client."""

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
    """A secret or an ssh agent by name, and the call site of the first step that uses it."""

    name: str
    is_required: bool
    call_site: CallSite


def secrets_of(trees: Iterable[State]) -> tuple[Need, ...]:
    """Collect the secrets, each once; a secret is required if one step requires it."""
    return _needs(trees, lambda op: op.secrets)


def ssh_of(trees: Iterable[State]) -> tuple[Need, ...]:
    """Collect the ssh agents, like :func:`secrets_of`."""
    return _needs(trees, lambda op: op.ssh)


def _needs(
    trees: Iterable[State], mounts_of: Callable[[ops.ExecOp], Iterable[ops.Secret | ops.SSH]]
) -> tuple[Need, ...]:
    needs: dict[str, Need] = {}
    for op in _processes(trees):
        for mount in mounts_of(op):
            new_need = Need(mount.id, not mount.optional, op.call_site or ())
            need = needs.setdefault(mount.id, new_need)
            if not mount.optional:
                needs[mount.id] = evolve(need, is_required=True)
    return tuple(needs.values())


def _processes(trees: Iterable[State]) -> Iterator[ops.ExecOp]:
    for tree in trees:
        for op in () if tree.output is None else post_order(tree.output.op):
            if isinstance(op, ops.ExecOp):
                yield op
