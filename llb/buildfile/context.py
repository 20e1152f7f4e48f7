"""A build context of which the client sends the paths that steps use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.gocompat.path import join
from llb.ops import nodes as ops
from llb.ops.walk import post_order
from llb.sources.deferred import DeferredSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from llb.state.state import State

_ALL = "/"


class UsedContext:
    """A source whose paths are those that steps take from it.

    ``make`` returns the source with these paths alone, and with all for none.
    """

    def __init__(self, make: Callable[[tuple[str, ...]], State]) -> None:
        self._make = make
        self._is_settled = False
        self._source = DeferredSource(make(()))
        self.state = self._source.state

    def settle(self, trees: Iterable[State]) -> None:
        """Fill the operation in, with what the steps below ``trees`` use of it; once."""
        paths = {
            join("/", path)
            for tree in trees
            if tree.output is not None
            for path in self._used(tree.output)
        }
        self._fill(() if _ALL in paths else tuple(sorted(each.lstrip("/") for each in paths)))

    def need_whole(self, trees: Iterable[State]) -> None:
        """Fill the operation in with the whole of the context, if ``trees`` use any of it."""
        outputs = [tree.output for tree in trees if tree.output is not None]
        if any(True for output in outputs for _ in self._used(output)):
            self._fill(())

    def _fill(self, paths: tuple[str, ...]) -> None:
        if self._is_settled:
            return
        self._is_settled = True
        self._source.fill(self._make(paths))

    def _used(self, output: ops.Output) -> Iterator[str]:
        if output.op is self._source.op:
            yield _ALL
        for op in post_order(output.op, leaves=(self._source.op,)):
            yield from _paths(op, self._source.op)


def _paths(op: ops.Op, source: ops.Op) -> Iterator[str]:
    """Yield what an operation takes from a source."""
    match op:
        case ops.FileOp():
            if _is(op.base, source):
                yield _ALL
            for action in op.actions:
                if isinstance(action, ops.CopyAction) and _is(action.source, source):
                    yield from _copied(action)
        case ops.ExecOp():
            if _is(op.root, source):
                yield _ALL
            for mount in op.mounts:
                if isinstance(mount, ops.Bind | ops.Cache) and _is(mount.source, source):
                    yield mount.selector
        case _:
            if any(_is(each, source) for each in op.inputs):
                yield _ALL


def _copied(action: ops.CopyAction) -> Iterable[str]:
    """Return what is copied: the paths that must exist, where the patterns name just these."""
    named = {join(action.src, pattern) for pattern in action.include_patterns}
    return action.required_paths if named == set(action.required_paths) != set() else (action.src,)


def _is(output: ops.Output | None, source: ops.Op) -> bool:
    return output is not None and output.op is source
