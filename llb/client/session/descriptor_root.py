"""Read files below a directory where paths can be relative to an open directory.

A directory is opened once, and everything below it is opened relative to it, name by name, without
following links (like Go's ``os.Root``). So nothing can be replaced on the way.
"""

from __future__ import annotations

import os
import sys
import weakref
from typing import TYPE_CHECKING, Self

from llb.local_files import attributes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

assert sys.platform != "win32"

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
# If the file has become a pipe meanwhile, opening it must not wait for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


class Root:
    """An open directory; ``path`` is its name. It is closed when it is garbage collected.

    A transfer that was cancelled may still be running: if the directory were closed earlier, the
    descriptor number could already refer to another directory. Raises OSError.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.descriptor = os.open(path, _DIRECTORY)
        weakref.finalize(self, os.close, self.descriptor)


class TreeReader:
    """Opens directories and files below a root; for one thread, used as a context manager.

    Paths are relative to the root and clean; the root itself is ``""``. The directory used last
    stays open, because the next path is usually in it or below it. Raises OSError.
    """

    def __init__(self, root: Root) -> None:
        self.root = root
        # Opened again: a listing moves the position in an open directory, and other transfers list
        # the same root at the same time.
        self._root_descriptor = os.open(".", _DIRECTORY, dir_fd=root.descriptor)
        self._path = ""
        self._descriptor = self._root_descriptor

    def __enter__(self) -> Self:
        """Enter the context, at whose end all directories are closed."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the directories that are open."""
        self._keep("", self._root_descriptor)
        os.close(self._root_descriptor)

    def directory(self, path: str) -> int:
        """Open a directory; the descriptor is valid until the next call. Raises OSError."""
        if path == self._path:
            return self._descriptor
        prefix = f"{self._path}/" if self._path else ""
        if not path.startswith(prefix):
            prefix = ""
            self._keep("", self._root_descriptor)
        for name in path[len(prefix) :].split("/") if path else ():
            inner = f"{self._path}/{name}" if self._path else name
            self._keep(inner, os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=self._descriptor))
        return self._descriptor

    def names(self, path: str) -> list[str]:
        """List a directory."""
        return os.listdir(self.directory(path))  # noqa: PTH208 - a descriptor

    def status(self, folder: str, name: str) -> os.stat_result:
        """Query the status of a file or link in a directory."""
        return os.stat(name, dir_fd=self.directory(folder), follow_symlinks=False)

    def link_target(self, folder: str, name: str) -> str:
        """Read the target of a link in a directory."""
        return os.readlink(name, dir_fd=self.directory(folder))

    def extended_attributes(self, folder: str, name: str) -> Iterator[tuple[str, bytes]]:
        """Yield the extended attributes of a file or link in a directory."""
        # No call for extended attributes takes a descriptor and a name.
        return attributes.extended_attributes(f"/proc/self/fd/{self.directory(folder)}/{name}")

    def open(self, path: str) -> int:
        """Open a file for reading, for the caller to close; raises OSError, also for a link."""
        folder, _, name = path.rpartition("/")
        return os.open(name, _FILE, dir_fd=self.directory(folder))

    def _keep(self, path: str, descriptor: int) -> None:
        """Close the directory used last, and remember another."""
        if self._descriptor != self._root_descriptor:
            os.close(self._descriptor)
        self._path, self._descriptor = path, descriptor
