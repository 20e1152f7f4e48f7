"""Trees out of trees: laid over each other, and what one changes in another.

Neither copies a file: a merge shares the layers of its inputs, so that a change in one
of them leaves the others as they were, in the cache and in a registry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from attrs import evolve

from llb.errors import InvalidValueError
from llb.ops import nodes as ops
from llb.state.state import State
from llb.state.step_options import StepOptions, step

if TYPE_CHECKING:
    from collections.abc import Iterable


def merge(states: Iterable[State], **options: Unpack[StepOptions]) -> State:
    """Return the trees laid over each other, the last on top.

    The settings and the image config are those of the first that is not empty. Empty
    trees are left out, and one tree alone is itself. Raises InvalidValueError for trees
    of several platforms.

    >>> from llb import Image, Scratch, merge
    >>> merge([Image("alpine"), Scratch().mkfile("/motd", "hello")])
    <State after MergeOp>
    """
    given = [state for state in states if state.output is not None]
    if len(given) < 2:
        return given[0] if given else State()
    for state in given[1:]:
        _check_same_platform(given[0], state)
    inputs = tuple(state.output for state in given if state.output is not None)
    op = ops.MergeOp(inputs, *step(given[0].settings.platform, options))
    return evolve(given[0], output=ops.Output(op), last_run=None)


def diff(lower: State, upper: State, **options: Unpack[StepOptions]) -> State:
    """Return what ``upper`` changes in ``lower``, as a tree to merge onto another.

    The difference to an empty tree is all of ``upper``. The settings are those of
    ``lower``. Raises InvalidValueError for trees of two platforms.
    """
    if lower.output is None:
        return upper if upper.output is not None else State()
    _check_same_platform(lower, upper)
    op = ops.DiffOp(lower.output, upper.output, *step(lower.settings.platform, options))
    return evolve(lower, output=ops.Output(op), last_run=None)


def rebase(state: State, *, onto: State, base: State, **options: Unpack[StepOptions]) -> State:
    """Return what ``state`` adds to ``base``, put onto another tree instead.

    The layers of ``state`` stay as they are, so that an image gets a newer base without
    being built anew. The settings and the image config are those of ``state``.

    >>> from llb import Image, rebase
    >>> old, new = Image("alpine:3.20"), Image("alpine:3.21")
    >>> app = old.run("apk add git")
    >>> rebase(app, onto=new, base=old)
    <State after MergeOp>
    """
    return state.with_output(merge([onto, diff(base, state, **options)], **options))


def passthrough(
    id: str,  # noqa: A002 - BuildKit's word
    states: Iterable[State],
    *,
    requires: Iterable[State] = (),
    **options: Unpack[StepOptions],
) -> tuple[State, ...]:
    """Return the trees as they are, each of them once all were built.

    ``requires`` are further trees that are built with them and not handed on. ``id``
    tells such groups apart in the cache. Empty trees are left out of the group.
    """
    given = tuple(states)
    handed_on = [state.output for state in given if state.output is not None]
    needed = [state.output for state in requires if state.output is not None]
    if not handed_on:
        raise InvalidValueError("passthrough() needs at least one tree that is not empty")
    forwarded = tuple(range(len(handed_on)))
    op = ops.PassthroughOp(id, (*handed_on, *needed), forwarded, *step(None, options))
    numbers = iter(forwarded)
    return tuple(
        state if state.output is None else state.with_output(State(ops.Output(op, next(numbers))))
        for state in given
    )


def _check_same_platform(first: State, second: State) -> None:
    one, other = first.settings.platform, second.settings.platform
    if one is not None and other is not None and one != other:
        raise InvalidValueError(
            f"cannot combine a tree for {one} with one for {other}",
            hint="copy from the other one instead, with copy()",
        )
