"""Build contexts: whole trees, and local directories that record which paths are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from attrs import frozen

from llb import State
from llb.gocompat.path import join
from llb.sources.deferred import DeferredSource

if TYPE_CHECKING:
    from llb.dockerfile.sources.named_contexts import LocalTree


class Context(Protocol):
    """A tree that steps read from, with the paths that they use."""

    @property
    def state(self) -> State:
        """The tree."""

    def use(self, path: str) -> None:
        """Record that a step reads ``path``."""

    def finish(self) -> None:
        """Finish the context after all uses are recorded."""


@frozen
class TreeContext:
    """A tree that is complete, whichever paths are used."""

    state: State

    def use(self, path: str) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""


class LocalContext:
    """A local directory; the client sends only the paths that steps use."""

    def __init__(self, tree: LocalTree) -> None:
        self._tree = tree
        self._paths: set[str] = set()
        self._source = DeferredSource()
        self.state = self._source.state

    def use(self, path: str) -> None:
        """Record that a step reads ``path`` of the directory."""
        self._paths.add(join("/", path))

    def finish(self) -> None:
        """Bind the deferred source to the used paths."""
        paths = sorted(path.lstrip("/") for path in self._paths)
        self._source.bind(self._tree.to_state(() if "/" in self._paths else tuple(paths)))


def to_context(tree: State | LocalTree) -> Context:
    """Wrap a tree as a context."""
    return TreeContext(tree) if isinstance(tree, State) else LocalContext(tree)
