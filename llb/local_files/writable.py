"""Check before long work that its result can be written.

What can change meanwhile, such as the space on a disk, is an error at the end.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

from llb.errors import InputError
from llb.local_files.atomic_write import resolve_destination


def check_file(path: str | os.PathLike[str], *, creates_folder: bool = False) -> None:
    """Raise InputError if a file cannot be written; with ``creates_folder`` its folder may be missing."""
    try:
        destination = resolve_destination(Path(path))
        if isinstance(destination, int):
            return
        status = _status(destination)
        _check_no_directory(status)
        if status is not None and not stat.S_ISREG(status.st_mode):
            _check_access(destination, os.W_OK)
        else:
            # The file gets its name from another one in its folder.
            _check_folder(destination.parent, may_be_missing=creates_folder)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def check_directory(path: Path) -> None:
    """Raise InputError if a directory can be neither written nor created."""
    try:
        # A relative path needs the working directory, which may have been removed.
        _check_folder(Path(os.path.abspath(path)), may_be_missing=True)  # noqa: PTH100
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def _check_folder(folder: Path, *, may_be_missing: bool) -> None:
    status = _status(folder)
    while may_be_missing and status is None and folder != folder.parent:
        folder = folder.parent
        status = _status(folder)
    if status is None:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    if not stat.S_ISDIR(status.st_mode):
        raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    _check_access(folder, os.W_OK | os.X_OK)


def _check_no_directory(status: os.stat_result | None) -> None:
    if status is not None and stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))


def _check_access(path: Path, mode: int) -> None:
    if not os.access(path, mode):
        number = errno.EROFS if _is_on_read_only_system(path) else errno.EACCES
        raise OSError(number, os.strerror(number))


def _is_on_read_only_system(path: Path) -> bool:
    if sys.platform == "win32":
        return False
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
