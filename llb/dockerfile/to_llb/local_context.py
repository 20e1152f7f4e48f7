"""Build contexts: trees that are given, and local directories of which what is used is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from attrs import frozen

from llb import State
from llb.gocompat.path import join
from llb.sources.deferred import DeferredSource

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
    """A local directory, of which the build sends the paths that its steps use."""

    def __init__(self, tree: LocalTree) -> None:
        self._tree = tree
        self._paths: set[str] = set()
        self._source = DeferredSource(tree.to_state())
        self.state = self._source.state

    def use(self, path: str) -> None:
        """Note that a step reads ``path`` of the directory."""
        self._paths.add(join("/", path))

    def settle(self) -> None:
        """Complete the source with the paths that are used."""
        paths = sorted(path.lstrip("/") for path in self._paths)
        self._source.fill(self._tree.to_state(() if "/" in self._paths else tuple(paths)))


def to_context(tree: State | LocalTree) -> Context:
    """Return a tree as something that steps take from."""
    return GivenContext(tree) if isinstance(tree, State) else LocalContext(tree)
