"""Combine trees: merge, diff, rebase and passthrough.

None of them copies files: a merge shares the layers of its inputs, so changing one input keeps the
others cached, on the daemon and in a registry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from attrs import evolve

from llb.arguments.checked import checked
from llb.errors import InvalidValueError
from llb.ops import nodes as ops
from llb.state.state import State
from llb.state.step_options import StepOptions, step

if TYPE_CHECKING:
    from collections.abc import Iterable


@checked(options=StepOptions)
def merge(states: Iterable[State], **options: Unpack[StepOptions]) -> State:
    """Lay trees over each other, the last on top.

    The settings and the image config are those of the first tree that is not empty. Empty trees are
    skipped; a single tree is returned unchanged, and none gives the empty tree. Raises
    InvalidValueError for trees of different platforms.

    >>> from llb import Image, Scratch, merge
    >>> merge([Image("alpine"), Scratch().mkfile("/motd", "hello")])
    <State after MergeOp>
    """
    trees = [state for state in states if state.output is not None]
    if len(trees) < 2:
        return trees[0] if trees else State()
    for state in trees[1:]:
        _check_same_platform(trees[0], state)
    inputs = tuple(state.output for state in trees if state.output is not None)
    op = ops.MergeOp(inputs, *step(trees[0].settings.platform, options))
    return evolve(trees[0], output=ops.Output(op), last_run=None)


@checked(options=StepOptions)
def diff(lower: State, upper: State, **options: Unpack[StepOptions]) -> State:
    """Compute the changes from ``lower`` to ``upper``, as a tree to merge onto another.

    The difference to an empty tree is all of ``upper``. The settings are those of ``lower``. Raises
    InvalidValueError for trees of different platforms.

    >>> from llb import Image, diff
    >>> base = Image("alpine")
    >>> diff(base, base.run("apk add git"))
    <State after DiffOp>
    """
    if lower.output is None:
        return upper if upper.output is not None else State()
    _check_same_platform(lower, upper)
    op = ops.DiffOp(lower.output, upper.output, *step(lower.settings.platform, options))
    return evolve(lower, output=ops.Output(op), last_run=None)


@checked(options=StepOptions)
def rebase(state: State, *, onto: State, base: State, **options: Unpack[StepOptions]) -> State:
    """Move the changes from ``base`` to ``state`` onto another tree.

    The layers of ``state`` stay as they are, so an image gets a newer base image without a rebuild.
    The settings and the image config are those of ``state``. Raises InvalidValueError for trees of
    different platforms.

    >>> from llb import Image, rebase
    >>> old, new = Image("alpine:3.20"), Image("alpine:3.21")
    >>> app = old.run("apk add git")
    >>> rebase(app, onto=new, base=old)
    <State after MergeOp>
    """
    return state.with_output(merge([onto, diff(base, state, **options)], **options))


@checked(options=StepOptions)
def passthrough(
    id: str,  # noqa: A002 - BuildKit's word
    states: Iterable[State],
    *,
    requires: Iterable[State] = (),
    **options: Unpack[StepOptions],
) -> tuple[State, ...]:
    """Build trees together: each result is available only after all of them were built.

    The trees stay unchanged. ``requires`` are further trees that are built with them but not
    returned. ``id`` distinguishes such groups in the cache. Empty trees are returned as they are
    and do not belong to the group. Raises InvalidValueError if all trees are empty.
    """
    trees = tuple(states)
    outputs = [state.output for state in trees if state.output is not None]
    required = [state.output for state in requires if state.output is not None]
    if not outputs:
        raise InvalidValueError("passthrough() needs at least one tree that is not empty")
    forwarded = tuple(range(len(outputs)))
    op = ops.PassthroughOp(id, (*outputs, *required), forwarded, *step(None, options))
    indexes = iter(forwarded)
    return tuple(
        state if state.output is None else state.with_output(State(ops.Output(op, next(indexes))))
        for state in trees
    )


def _check_same_platform(first: State, second: State) -> None:
    platform, other_platform = first.settings.platform, second.settings.platform
    if platform is not None and other_platform is not None and platform != other_platform:
        raise InvalidValueError(
            f"cannot combine a tree for {platform} with one for {other_platform}",
            hint="copy from the other tree with copy() instead",
        )
