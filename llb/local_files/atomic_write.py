"""Atomic file writes: replace a file whole or not at all, and write through pipes and devices.

Only a missing name or a regular file is replaced. Pipes, devices and open descriptors
(``/dev/stdout``, ``/dev/fd/N``, a shell's ``>(…)``) are opened and written to, and stay what they
are. A symbolic link stays too: its target is written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from llb.errors import InputError
from llb.local_files import attributes, locks
from llb.local_files.open_flags import NON_BLOCKING
from llb.local_files.staging import make_file

if TYPE_CHECKING:
    from collections.abc import Iterator

# Linux follows at most this many links (path_resolution(7)).
_MAX_LINKS = 40


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file atomically: concurrent readers see either the old bytes or the new ones.

    Raises InputError if the file cannot be written; the old content is kept then.
    """
    target = WholeFile(Path(path))
    try:
        with target.open() as file:
            file.write(data)
        target.commit()
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        target.abort()


class WholeFile:
    """A file written under a temporary name, which gets its final name on :meth:`commit`.

    Every method except :meth:`abort` raises OSError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._target: Path | None = None
        self._staging: Path | None = None
        self._lock: int | None = None
        self._is_opened = False

    def open(self) -> BinaryIO:
        """Open the file for writing from its start."""
        self._is_opened = True
        destination = resolve_destination(self._path)
        if isinstance(destination, int):
            # Opening the file again by name would overwrite it from its start.
            return os.fdopen(os.dup(destination), "wb")
        old_status = _status(destination)
        if old_status is not None and not stat.S_ISREG(old_status.st_mode):
            return destination.open("wb")
        staging, descriptor = make_file(destination.parent)
        self._target, self._staging = destination, staging
        # The lock of the file lasts until it has its name. Windows renames no open file.
        self._lock = os.dup(descriptor) if locks.FOLDERS_HAVE_LOCKS else None
        file = os.fdopen(descriptor, "wb")
        if old_status is not None:
            attributes.copy_owner_and_mode(old_status, descriptor)
        return file

    def commit(self) -> None:
        """Rename the temporary file to its final name; a second call does nothing."""
        if self._staging is not None and self._target is not None:
            self._staging.replace(self._target)
            self._release()

    def abort(self) -> None:
        """Remove an uncommitted file, and release a reader that waits on a named pipe."""
        if self._staging is not None:
            with contextlib.suppress(OSError):
                self._staging.unlink(missing_ok=True)
            self._release()
        if not self._is_opened:
            self._is_opened = True
            with contextlib.suppress(OSError):
                _end_pipe(self._path)

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
        self._staging = None


def resolve_destination(path: Path) -> Path | int:
    """Resolve the symbolic links of a path, or find the open descriptor that it names.

    Raises OSError.
    """
    full_path = os.path.abspath(path)  # noqa: PTH100 - resolve() follows the links of /proc, too
    for _ in range(_MAX_LINKS):
        folder, name = os.path.split(full_path)
        folder = os.path.realpath(folder)
        if name.isdecimal() and folder in _descriptor_folders():
            return int(name)
        full_path = os.path.join(folder, name)  # noqa: PTH118
        if folder.startswith("/proc/"):
            # The links to open files in /proc do not contain names.
            return Path(full_path)
        try:
            link = os.readlink(full_path)  # noqa: PTH115
        except OSError:
            # The path is not a link, or does not exist.
            return Path(full_path)
        full_path = os.path.join(folder, link)  # noqa: PTH118
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _descriptor_folders() -> Iterator[str]:
    """Yield the folders whose entries are the descriptors of this process; Windows has none."""
    if sys.platform == "win32":
        return
    for name in ("/dev/fd", "/proc/self/fd", "/proc/thread-self/fd"):
        yield os.path.realpath(name)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _end_pipe(path: Path) -> None:
    """Let a reader that waits on a named pipe see its end, if nothing was written to it."""
    destination = resolve_destination(path)
    if (
        isinstance(destination, Path)
        and (status := _status(destination))
        and stat.S_ISFIFO(status.st_mode)
    ):
        # Opening for reading and writing does not block.
        os.close(os.open(destination, os.O_RDWR | NON_BLOCKING))
