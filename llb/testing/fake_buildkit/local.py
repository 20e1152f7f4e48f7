"""Serve local directories from memory with the session code of the real client."""

from __future__ import annotations

import stat
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from llb.client.session.providers.filesync import LocalDirs
from llb.grpc import Server, memory_pair
from llb.testing.fake_buildkit.session import ClientSession
from llb.testing.fake_buildkit.trees import Tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llb.sources.inline_files import Content

    Files: TypeAlias = "Mapping[str, Content] | Path"
    """Files by path, or a directory that holds them."""


class LocalClient:
    """A client that serves only these directories; a daemon reads them through ``session``.

    Files in memory are written to a temporary directory, so the client's own code selects
    and sends them.
    """

    def __init__(self, directories: Mapping[str, Files]) -> None:
        trees = {
            name: files if isinstance(files, Path) else Tree.of(files)
            for name, files in directories.items()
        }
        with ExitStack() as stack:
            folder = tempfile.TemporaryDirectory(prefix="llb-testing-")
            root = Path(stack.enter_context(folder))
            paths = {
                name: tree if isinstance(tree, Path) else _write_tree(tree, root / str(number))
                for number, (name, tree) in enumerate(trees.items())
            }
            here, there = memory_pair()
            server = Server(there, LocalDirs(paths).handlers())
            serving = threading.Thread(target=server.serve, daemon=True)
            serving.start()
            self.session = ClientSession(here, {})
            stack.callback(serving.join)
            stack.callback(self.session.close)
            self._stack = stack.pop_all()

    def close(self) -> None:
        """End the session and remove the temporary files."""
        self._stack.close()


def _write_tree(tree: Tree, root: Path) -> Path:
    """Write a tree to a new directory and return its path."""
    # In sorted order, directories come before their contents.
    for path in sorted(tree.nodes):
        target, node = root / path[1:], tree.nodes[path]
        if node.is_link:
            target.symlink_to(node.target)
        elif node.is_directory:
            target.mkdir()
        else:
            target.write_bytes(node.data)
    for path in sorted(tree.nodes, reverse=True):
        if not tree.nodes[path].is_link:
            (root / path[1:]).chmod(stat.S_IMODE(tree.nodes[path].mode))
    return root
