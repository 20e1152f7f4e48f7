"""Temporary files and folders for results, next to their destinations, until they are complete.

Their owner holds a lock, which ends with its process. So the next export into the same folder finds
what a killed process has left, and removes it. On Windows, which locks no folders, it stays.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import frozen

from llb._lazy import lazy_imports
from llb.local_files import locks
from llb.local_files.open_flags import NO_FOLLOW, NON_BLOCKING

with lazy_imports(__name__):
    from llb.local_files import trees  # 3 ms

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = ".llb-partial-"
_OPEN = os.O_RDONLY | NO_FOLLOW | NON_BLOCKING
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def new_name() -> str:
    """Create a unique name for a result that is not complete yet."""
    return f"{PREFIX}{os.urandom(6).hex()}"


def make_file(folder: Path, mode: int = 0o666) -> tuple[Path, int]:
    """Create a file; return its path, and a descriptor that holds its lock. Raises OSError."""
    remove_leftovers(folder)
    while True:
        path = folder / new_name()
        descriptor = os.open(path, _CREATE, mode)
        if _hold(path, descriptor):
            return path, descriptor
        os.close(descriptor)


@frozen
class StagingFolder:
    """A folder for an incomplete result, with the descriptor that holds its lock, if any."""

    path: Path
    descriptor: int | None

    @classmethod
    def create(cls, parent: Path) -> StagingFolder:
        """Create a folder in an existing one. Raises OSError."""
        remove_leftovers(parent)
        while True:
            path = parent / new_name()
            path.mkdir()
            if not locks.FOLDERS_HAVE_LOCKS:
                return cls(path, None)
            with suppress(FileNotFoundError):
                descriptor = os.open(path, _OPEN)
                if _hold(path, descriptor):
                    return cls(path, descriptor)
                os.close(descriptor)

    def remove(self) -> None:
        """Remove the folder and everything in it. Raises OSError, and may be called again then."""
        trees.remove_tree(str(self.path))
        if self.descriptor is not None:
            os.close(self.descriptor)


def remove_leftovers(folder: Path) -> None:
    """Remove the files and folders of processes that have ended, as far as possible."""
    if not locks.FOLDERS_HAVE_LOCKS:
        return
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX):
                with suppress(OSError):
                    _remove_leftover(entry.path)


def _hold(path: Path, descriptor: int) -> bool:
    """Lock a new file or folder; False if another process took it for a leftover."""
    if not locks.FOLDERS_HAVE_LOCKS:
        return True
    try:
        if not locks.try_lock(descriptor):
            return False
    except OSError:
        # Without locks on this file system, leftovers are not removed either.
        return True
    return locks.has_name(descriptor, path)


def _remove_leftover(path: str) -> None:
    descriptor = os.open(path, _OPEN)
    try:
        if not locks.try_lock(descriptor):
            return
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            trees.remove_tree(path)
        else:
            os.unlink(path)  # noqa: PTH108 - the path of an entry is a string
    finally:
        os.close(descriptor)
