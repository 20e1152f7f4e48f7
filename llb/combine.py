"""Trees out of trees: laid over each other, and what one changes in another.

Neither copies a file: a merge shares the layers of its inputs, so that a change in one
of them leaves the others as they were, in the cache and in a registry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from attrs import evolve

from llb import ops
from llb.state import State, StepOptions, constraints

if TYPE_CHECKING:
    from collections.abc import Iterable


def merge(states: Iterable[State], **options: Unpack[StepOptions]) -> State:
    """Return the trees laid over each other, the last on top.

    The settings and the image config are those of the first that is not empty. Empty
    trees are left out, and one tree alone is itself.

    >>> from llb import Image, Scratch, merge
    >>> merge([Image("alpine"), Scratch().mkfile("/motd", "hello")])
    <State after MergeOp>
    """
    given = [state for state in states if state.output is not None]
    if len(given) < 2:
        return given[0] if given else State()
    op = ops.MergeOp(
        inputs=tuple(state.output for state in given if state.output is not None),
        constraints=_constraints(given[0], options),
    )
    return evolve(given[0], output=ops.Output(op), last_run=None)


def diff(lower: State, upper: State, **options: Unpack[StepOptions]) -> State:
    """Return what ``upper`` changes in ``lower``, as a tree to merge onto another.

    The difference to an empty tree is all of ``upper``. The settings are those of
    ``lower``.
    """
    if lower.output is None:
        return upper
    op = ops.DiffOp(
        lower=lower.output, upper=upper.output, constraints=_constraints(lower, options)
    )
    return evolve(lower, output=ops.Output(op), last_run=None)


def _constraints(state: State, options: StepOptions) -> ops.Constraints:
    return constraints(state.settings.platform, state.settings.worker_filters, options)
