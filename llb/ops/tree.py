"""Trees that steps copy from or mount, as operations see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from llb.ops.nodes import Output, Process


class TreeSettings(Protocol):
    """The settings of a tree."""

    @property
    def process(self) -> Process:
        """The settings of its processes, with the directory that relative paths start from."""


class Tree(Protocol):
    """An object whose result can be mounted or copied from; in practice a State."""

    @property
    def output(self) -> Output | None:
        """The result, or None for the empty tree."""

    @property
    def settings(self) -> TreeSettings:
        """The settings of the tree."""
