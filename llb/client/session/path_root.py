"""Read files below a directory where paths cannot be relative to an open directory: on Windows.

Every directory on the way is looked up before it is used, and may be neither a link nor a junction.
That is weaker than :mod:`llb.client.session.descriptor_root`: a directory that is replaced by a link
between the look and the use is followed.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Self

from llb.local_files.open_flags import BINARY, NON_BLOCKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

# IO_REPARSE_TAG_MOUNT_POINT
_MOUNT_POINT = 0xA0000003


class Root:
    """A directory; ``path`` is its name. Raises OSError."""

    def __init__(self, path: str) -> None:
        self.path = path
        _check_directory(path, os.stat(path))  # noqa: PTH116


class TreeReader:
    """Reads directories and files below a root, used as a context manager.

    Paths are relative to the root and clean; the root itself is ``""``. The directory used last is
    not looked up again, because the next path is usually in it. Raises OSError.
    """

    def __init__(self, root: Root) -> None:
        self.root = root
        self._path, self._location = "", root.path

    def __enter__(self) -> Self:
        """Enter the context, which holds nothing open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the context."""

    def names(self, path: str) -> list[str]:
        """List a directory."""
        return os.listdir(self._directory(path))  # noqa: PTH208 - strings

    def status(self, folder: str, name: str) -> os.stat_result:
        """Query the status of a file or link in a directory."""
        return os.lstat(self._locate(folder, name))

    def link_target(self, folder: str, name: str) -> str:
        """Read the target of a link in a directory, with slashes as on other systems."""
        target = os.readlink(self._locate(folder, name))  # noqa: PTH115
        return target.replace(os.sep, "/")

    def extended_attributes(self, folder: str, name: str) -> Iterator[tuple[str, bytes]]:  # noqa: ARG002
        """Yield nothing: Windows has no extended attributes that others know."""
        return iter(())

    def open(self, path: str) -> int:
        """Open a file for reading, for the caller to close; raises OSError, also for a link."""
        folder, _, name = path.rpartition("/")
        location = self._locate(folder, name)
        if _is_link(os.lstat(location)):
            raise _link_error(location)
        return os.open(location, os.O_RDONLY | BINARY | NON_BLOCKING)

    def _locate(self, folder: str, name: str) -> str:
        return os.path.join(self._directory(folder), name)  # noqa: PTH118

    def _directory(self, path: str) -> str:
        """Check every directory on the way to a path, and return the whole path."""
        if path == self._path:
            return self._location
        location = self.root.path
        for name in path.split("/") if path else ():
            location = os.path.join(location, name)  # noqa: PTH118
            _check_directory(location, os.lstat(location))
        self._path, self._location = path, location
        return location


def _check_directory(path: str, status: os.stat_result) -> None:
    if _is_junction(status):
        raise _link_error(path)
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)


def _is_link(status: os.stat_result) -> bool:
    return stat.S_ISLNK(status.st_mode) or _is_junction(status)


def _is_junction(status: os.stat_result) -> bool:
    """Check for a directory of another place, which Windows does not call a link."""
    return getattr(status, "st_reparse_tag", 0) == _MOUNT_POINT


def _link_error(path: str) -> OSError:
    return OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
