"""A build context of which the client sends only the paths that steps use."""

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
    """A source limited to the paths that steps use.

    ``load`` returns the source with only these paths, or with all if it gets none.
    """

    def __init__(self, load: Callable[[tuple[str, ...]], State]) -> None:
        self._load = load
        self._source = DeferredSource()
        self.state = self._source.state

    def settle(self, trees: Iterable[State]) -> None:
        """Bind the context to the paths that the steps below ``trees`` use; once."""
        paths = {
            join("/", path)
            for tree in trees
            if tree.output is not None
            for path in self._used(tree.output)
        }
        self._bind(() if _ALL in paths else tuple(sorted(path.lstrip("/") for path in paths)))

    def need_whole(self, trees: Iterable[State]) -> None:
        """Bind the context to all of its paths, if ``trees`` use any of it."""
        outputs = [tree.output for tree in trees if tree.output is not None]
        if any(True for output in outputs for _ in self._used(output)):
            self._bind(())

    def _bind(self, paths: tuple[str, ...]) -> None:
        if self._source.is_bound:
            return
        self._source.bind(self._load(paths))

    def _used(self, output: ops.Output) -> Iterator[str]:
        if output.op is self._source.op:
            yield _ALL
        for op in post_order(output.op, leaves=(self._source.op,)):
            yield from _used_paths(op, self._source.op)


def _used_paths(op: ops.Op, source: ops.Op) -> Iterator[str]:
    """Yield the paths that an operation uses of a source."""
    match op:
        case ops.FileOp():
            if _is_output_of(op.base, source):
                yield _ALL
            for action in op.actions:
                if isinstance(action, ops.CopyAction) and _is_output_of(action.source, source):
                    yield from _copied_paths(action)
        case ops.ExecOp():
            if _is_output_of(op.root, source):
                yield _ALL
            for mount in op.mounts:
                if isinstance(mount, ops.Bind | ops.Cache) and _is_output_of(mount.source, source):
                    yield mount.selector
        case _:
            if any(_is_output_of(output, source) for output in op.inputs):
                yield _ALL


def _copied_paths(action: ops.CopyAction) -> Iterable[str]:
    """List the copied paths: the required paths, if the patterns select only these."""
    selected = {join(action.src, pattern) for pattern in action.include_patterns}
    if selected == set(action.required_paths) != set():
        return action.required_paths
    return (action.src,)


def _is_output_of(output: ops.Output | None, source: ops.Op) -> bool:
    return output is not None and output.op is source
