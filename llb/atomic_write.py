"""Files that are written whole or not at all, and what is written through instead.

Only a name that is not there, or a regular file, is replaced. Pipes, devices and open descriptors
(``/dev/stdout``, ``/dev/fd/N``, a shell's ``>(…)``) are opened and written to, and stay what they
are. A symbolic link stays too: what it leads to is written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = ".llb-partial-"
"""How the names of files and folders begin in which a result waits until it is whole."""

# As many as Linux follows (path_resolution(7)).
_MAX_LINKS = 40


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file; who reads it meanwhile sees the old bytes or the new ones.

    Raises InputError where it cannot be written; what was there is left then.
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
    """A file under way: written after :meth:`open`, in its place after :meth:`commit`.

    The methods but :meth:`abort` raise OSError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._target: Path | None = None
        self._staging: Path | None = None
        self._is_opened = False

    def open(self) -> BinaryIO:
        """Open the file to write it from its start."""
        self._is_opened = True
        where = _where(self._path)
        if isinstance(where, int):
            # A file opened again by its name would be written from its start.
            return os.fdopen(os.dup(where), "wb")
        old = _status(where)
        if old is not None and not stat.S_ISREG(old.st_mode):
            return where.open("wb")
        staging = where.with_name(new_name())
        descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        self._target, self._staging = where, staging
        file = os.fdopen(descriptor, "wb")
        if old is not None:
            _take_over(descriptor, old)
        return file

    def commit(self) -> None:
        """Give the file its name; a second call does nothing."""
        if self._staging is not None and self._target is not None:
            self._staging.replace(self._target)
            self._staging = None

    def abort(self) -> None:
        """Remove what has no name yet, and let go whoever waits at a pipe."""
        if self._staging is not None:
            with contextlib.suppress(OSError):
                self._staging.unlink(missing_ok=True)
            self._staging = None
        if not self._is_opened:
            self._is_opened = True
            with contextlib.suppress(OSError):
                _end_pipe(self._path)


def new_name() -> str:
    """Return a name for a result that is not whole yet, which no other result has."""
    return f"{PREFIX}{uuid.uuid4().hex[:12]}"


def _where(path: Path) -> Path | int:
    """Return where a path leads through links, or the open descriptor that it names."""
    place = os.path.abspath(path)  # noqa: PTH100 - resolve() follows the links of /proc, too
    for _ in range(_MAX_LINKS):
        folder, name = os.path.split(place)
        folder = os.path.realpath(folder)
        if name.isdecimal() and folder in _descriptors():
            return int(name)
        place = os.path.join(folder, name)  # noqa: PTH118
        if folder.startswith("/proc/"):
            # What links to open files say there is no name of them.
            return Path(place)
        try:
            link = os.readlink(place)  # noqa: PTH115
        except OSError:
            # It is no link, or is not there.
            return Path(place)
        place = os.path.join(folder, link)  # noqa: PTH118
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _descriptors() -> Iterator[str]:
    """Yield the folders whose entries are this process's descriptors."""
    for name in ("/dev/fd", "/proc/self/fd", "/proc/thread-self/fd"):
        yield os.path.realpath(name)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _take_over(descriptor: int, old: os.stat_result) -> None:
    """Give a new file the owner, as far as that is allowed, and the mode of the one it replaces."""
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _end_pipe(path: Path) -> None:
    """Have whoever waits to read a named pipe see its end, if nothing was written to it."""
    where = _where(path)
    if isinstance(where, Path) and (status := _status(where)) and stat.S_ISFIFO(status.st_mode):
        # Opened both ways, so that it waits for nobody.
        os.close(os.open(where, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
