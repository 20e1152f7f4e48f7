"""Build contexts: trees that are given, and local directories of which what is used is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from attrs import frozen

from llb import Local, State
from llb.gocompat.path import join
from llb.ops.nodes import LateSourceOp, Output, SourceOp

if TYPE_CHECKING:
    from llb.dockerfile.sources.named_contexts import LocalTree


class Context(Protocol):
    """A tree that steps take from, and what they take of it."""

    @property
    def state(self) -> State:
        """The tree."""

    def use(self, path: str) -> None:
        """Note that a step reads ``path``."""

    def settle(self) -> None:
        """Note that all uses are known."""


@frozen
class GivenContext:
    """A tree that is there as a whole, whatever is used of it."""

    state: State

    def use(self, path: str) -> None:
        """Do nothing."""

    def settle(self) -> None:
        """Do nothing."""


class LocalContext:
    """A local directory, which is complete once all uses are known.

    Steps refer to it before the paths are known that the whole build uses. Its operation
    is therefore bound late, by :meth:`settle`.
    """

    def __init__(self, tree: LocalTree) -> None:
        self._tree = tree
        self._paths: set[str] = set()
        self._op = LateSourceOp()
        self.state = State(Output(self._op))

    def use(self, path: str) -> None:
        """Note that a step reads ``path`` of the directory."""
        self._paths.add(join("/", path))

    def settle(self) -> None:
        """Bind the directory to the paths that are used."""
        paths = sorted(path.lstrip("/") for path in self._paths)
        source = self._local(() if "/" in self._paths else tuple(paths)).output
        assert source is not None
        assert isinstance(source.op, SourceOp)
        self._op.bind(source.op)

    def _local(self, follow_paths: tuple[str, ...] = ()) -> State:
        tree = self._tree
        return Local(
            tree.name,
            exclude=tree.exclude,
            follow_paths=follow_paths,
            session_id=tree.session_id,
            unique_id=tree.unique_id,
            shared_key=tree.shared_key,
            name=tree.label,
            locations=(),
        )


def to_context(tree: State | LocalTree) -> Context:
    """Return a tree as something that steps take from."""
    return GivenContext(tree) if isinstance(tree, State) else LocalContext(tree)
