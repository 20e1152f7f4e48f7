"""Remove trees of files, which may be deeper than Python's limit of recursion.

Their directories need not be writable for their owner. All functions raise OSError.
"""

from __future__ import annotations

import os
import stat
import sys


def remove_tree(path: str) -> None:
    """Remove a directory and everything in it."""
    pending = [path]
    while pending:
        make_writable(pending[-1])
        folders = []
        for entry in entries_of(pending[-1]):
            if is_real_directory(entry.path):
                folders.append(entry.path)
            else:
                os.unlink(entry.path)  # noqa: PTH108
        if not folders:
            os.rmdir(pending.pop())  # noqa: PTH106
        pending += folders


def remove(path: str) -> None:
    """Remove a file, or a directory and everything in it."""
    if is_real_directory(path):
        remove_tree(path)
    else:
        os.unlink(path)  # noqa: PTH108


def make_writable(folder: str) -> int | None:
    """Let the owner list and change a directory; return the old mode if it had to be changed."""
    if sys.platform == "win32":
        # There, modes do not restrict directories.
        return None
    status = os.lstat(folder)
    mode = stat.S_IMODE(status.st_mode)
    if mode & stat.S_IRWXU == stat.S_IRWXU or status.st_uid != os.geteuid():
        return None
    os.chmod(folder, mode | stat.S_IRWXU)  # noqa: PTH101
    return mode


def entries_of(folder: str) -> list[os.DirEntry[str]]:
    """List a directory."""
    with os.scandir(folder) as entries:
        return list(entries)


def is_real_directory(path: str) -> bool:
    """Check for a directory that is no link."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
