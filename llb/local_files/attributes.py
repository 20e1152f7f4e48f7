"""Attributes of files, as far as this system has them.

Windows has neither owners nor permissions nor named pipes in folders, and Python reads extended
attributes only on Linux. All functions raise OSError.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Whether an open file gets its attributes by its descriptor. Otherwise it must be closed before:
# Windows sets the time of a written file when it is closed.
BY_DESCRIPTOR = os.utime in os.supports_fd
_HAS_TIMES_OF_LINKS = os.utime in os.supports_follow_symlinks


def copy_owner_and_mode(source: os.stat_result, descriptor: int) -> None:
    """Give a new file the mode of another, and its owner as far as that is allowed."""
    if sys.platform == "win32":
        return
    status = os.fstat(descriptor)
    if (status.st_uid, status.st_gid) != (source.st_uid, source.st_gid):
        with suppress(PermissionError):
            os.fchown(descriptor, source.st_uid, source.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(source.st_mode))


def set_mode(file: bytes | int, mode: int) -> None:
    """Set the permissions of a file.

    Windows has none. Its files could only become read-only, and then nothing could replace them.
    """
    if sys.platform != "win32":
        os.chmod(file, mode)  # noqa: PTH101 - bytes or a descriptor


def set_time(file: bytes | int, nanoseconds: int) -> None:
    """Set the modification time of a file that is no link."""
    os.utime(file, ns=(nanoseconds, nanoseconds))


def set_time_of_link(path: bytes, nanoseconds: int) -> None:
    """Set the modification time of a symbolic link, which Windows cannot do."""
    if _HAS_TIMES_OF_LINKS:
        os.utime(path, ns=(nanoseconds, nanoseconds), follow_symlinks=False)


def mode_for_others(mode: int) -> int:
    """Convert the mode of a file for a daemon.

    From Windows, everything may be executed, and only root may write, as from Docker's clients.
    """
    if sys.platform == "win32":
        return mode & ~0o777 | (mode | 0o111) & 0o755
    return mode


def device_numbers(status: os.stat_result) -> tuple[int, int]:
    """Read the major and the minor number of a device; 0 and 0 where devices have none."""
    if sys.platform == "win32":
        return 0, 0
    return os.major(status.st_rdev), os.minor(status.st_rdev)


def make_named_pipe(path: str | bytes, mode: int = 0o666) -> None:
    """Create a named pipe."""
    if sys.platform == "win32":
        raise OSError(errno.ENOTSUP, "Windows has no named pipes in folders", path)
    os.mkfifo(path, mode)


def make_link(target: bytes, path: bytes) -> None:
    """Create a symbolic link; its target has slashes on every system."""
    if sys.platform == "win32":
        target = target.replace(b"/", b"\\")
    os.symlink(target, path)  # noqa: PTH211 - bytes


def extended_attributes(path: str) -> Iterator[tuple[str, bytes]]:
    """Yield the extended attributes of a file or link that this user may read."""
    if sys.platform != "linux":
        return
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return
    for name in names:
        try:
            value = os.getxattr(path, name, follow_symlinks=False)
        except OSError:
            # The attribute was removed, or this user may not read it.
            continue
        yield name, value


def set_extended_attribute(file: bytes | int, name: bytes, value: bytes) -> None:
    """Set an extended attribute if the file system supports it, and this user may."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setxattr(file, name, value)
