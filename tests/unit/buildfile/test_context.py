"""The client sends only the part of a build context that steps use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb import Image, Local, Scratch, State, bind, cache, merge
from llb.buildfile.context import UsedContext
from llb.errors import InvalidValueError
from llb.ops.nodes import LateSourceOp, SourceOp, source_of

if TYPE_CHECKING:
    from collections.abc import Callable


def used(build: Callable[[State], State]) -> tuple[str, ...] | None:
    """Collect the paths of a context that the steps of a tree use; None for all."""
    requested: list[tuple[str, ...]] = []

    def source(paths: tuple[str, ...]) -> State:
        requested.append(paths)
        return Local("context", follow_paths=paths)

    context = UsedContext(source)
    tree = build(context.state)
    context.settle([tree])
    expected = build(Local("context", follow_paths=requested[-1]))
    assert tree.marshal().ops == expected.marshal().ops
    return requested[-1] or None


@pytest.mark.parametrize(
    ("build", "paths"),
    [
        (lambda context: Scratch().copy(context, "/a", src="src"), ("src",)),
        (lambda context: Scratch().copy(context, "/a", src="/b/*.py"), ("b/*.py",)),
        (lambda context: Scratch().copy(context, "/a"), None),
        (lambda context: Scratch().copy(context, "/a", src="x").copy(context, "/b", src="y"), ("x", "y")),
        (lambda context: Image("a").run("b", mounts=[bind(context, "/c", path="d")]), ("d",)),
        (lambda context: Image("a").run("b", mounts=[bind(context, "/c")]), None),
        (lambda context: Image("a").run("b", mounts=[cache("/c", source=context, path="e")]), ("e",)),
        (lambda context: context.run("b"), None),
        (lambda context: context.mkdir("/b"), None),
        (lambda context: context, None),
        (lambda context: merge([Image("a"), context]), None),
        (
            lambda context: merge(
                [Scratch().copy(context, "/a", src="x"), Image("a").copy(context, "/a", src="y")]
            ),
            ("x", "y"),
        ),
        (lambda _: Scratch().mkdir("/a"), None),
    ],
)  # fmt: skip
def test_copies_and_mounts_limit_the_context(
    build: Callable[[State], State], paths: tuple[str, ...] | None
) -> None:
    assert used(build) == paths


def test_a_tree_that_is_read_before_the_build_needs_the_whole_context() -> None:
    context = UsedContext(lambda paths: Local("context", follow_paths=paths))
    tree = Scratch().copy(context.state, "/a", src="x")
    context.need_whole([Scratch().mkdir("/b")])
    context.need_whole([tree])
    context.settle([tree])
    assert tree.marshal().ops == Scratch().copy(Local("context"), "/a", src="x").marshal().ops


def test_a_context_cannot_be_marshaled_before_the_build_is_complete() -> None:
    context = UsedContext(lambda paths: Local("context", follow_paths=paths))
    with pytest.raises(InvalidValueError, match="the build context is not known before") as caught:
        Scratch().copy(context.state, "/a").marshal()
    assert caught.value.hint is not None


def test_a_late_source_is_bound_once() -> None:
    source = Local("context").output
    assert source is not None
    assert isinstance(source.op, SourceOp)
    late = LateSourceOp()
    late.bind(source.op)
    assert source_of(late) is source.op
    with pytest.raises(InvalidValueError, match="the source is already bound"):
        late.bind(source.op)
