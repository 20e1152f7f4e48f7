"""A directory that a daemon may read, and nothing outside of it.

A daemon writes into the user's directories, too: what it exports may be a symbolic link, put in
the place of a directory while it is read. So a directory is opened once, and everything below it
from there, name by name, without following a link (as Go's ``os.Root``).
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# What has become a pipe meanwhile must not wait for a writer.
_FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Root:
    """An open directory; ``path`` is its name. Closed when nobody refers to it any more.

    A transfer that was told to end may still be in the middle of something: closed earlier, the
    descriptor could already be another directory's. Raises OSError.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.descriptor = os.open(path, _DIRECTORY)
        weakref.finalize(self, os.close, self.descriptor)


class Below:
    """Directories and files below a root; for one thread, and closed at the end of a block.

    Paths are relative to the root, and clean; the root itself is ``""``. It keeps the directory
    that was used last, because what is read next is mostly in there, or below it.
    """

    def __init__(self, root: Root) -> None:
        self.root = root
        self._path = ""
        self._descriptor = root.descriptor

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the directory that is kept."""
        self._keep("", self.root.descriptor)

    def directory(self, path: str) -> int:
        """Return the descriptor of a directory, which is open until the next call; raises OSError."""
        if path == self._path:
            return self._descriptor
        below = f"{self._path}/" if self._path else ""
        if not path.startswith(below):
            below = ""
            self._keep("", self.root.descriptor)
        for name in path[len(below) :].split("/") if path else ():
            inner = f"{self._path}/{name}" if self._path else name
            self._keep(inner, os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=self._descriptor))
        return self._descriptor

    def open(self, path: str) -> int:
        """Return a new descriptor to read a file; raises OSError, also where it is a link."""
        folder, _, name = path.rpartition("/")
        return os.open(name, _FILE, dir_fd=self.directory(folder))

    def _keep(self, path: str, descriptor: int) -> None:
        """Close the directory that was used last, and keep another."""
        if self._descriptor != self.root.descriptor:
            os.close(self._descriptor)
        self._path, self._descriptor = path, descriptor
