"""Local directories of a client that has them in memory, served as a client serves them."""

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
    """A client with these directories and nothing else; ``session`` is a daemon's way to them.

    What is given in memory is written to a temporary directory, so that it is chosen from and
    sent by the very code that does so in a build.
    """

    def __init__(self, directories: Mapping[str, Files]) -> None:
        trees = {
            name: files if isinstance(files, Path) else Tree.of(files)
            for name, files in directories.items()
        }
        with ExitStack() as stack:
            folder = tempfile.TemporaryDirectory(prefix="llb-testing-")
            root = Path(stack.enter_context(folder))
            places = {
                name: tree if isinstance(tree, Path) else _written(tree, root / str(number))
                for number, (name, tree) in enumerate(trees.items())
            }
            here, there = memory_pair()
            server = Server(there, LocalDirs(places).handlers())
            serving = threading.Thread(target=server.serve, daemon=True)
            serving.start()
            self.session = ClientSession(here, {})
            stack.callback(serving.join)
            stack.callback(self.session.close)
            self._stack = stack.pop_all()

    def close(self) -> None:
        """End the session and remove what was written."""
        self._stack.close()


def _written(tree: Tree, root: Path) -> Path:
    """Write a tree to a directory that there is not yet, and return it."""
    # Names in order are directories before what is in them.
    for path in sorted(tree.nodes):
        place, node = root / path[1:], tree.nodes[path]
        if node.is_link:
            place.symlink_to(node.target)
        elif node.is_directory:
            place.mkdir()
        else:
            place.write_bytes(node.data)
    for path in sorted(tree.nodes, reverse=True):
        if not tree.nodes[path].is_link:
            (root / path[1:]).chmod(stat.S_IMODE(tree.nodes[path].mode))
    return root
