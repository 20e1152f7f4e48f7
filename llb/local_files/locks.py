"""Locks on open files, which end with the process that holds them.

They are those of other BuildKit clients: flock(2), and on Windows a lock on the first byte, which
both programs that use it must take. All functions raise OSError.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if sys.platform == "win32":
    import ctypes
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from pathlib import Path

# Windows opens no folders.
FOLDERS_HAVE_LOCKS = sys.platform != "win32"


def lock(descriptor: int) -> None:
    """Lock a file alone, and wait for other processes."""
    _lock(descriptor, waits=True)


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock a file alone, or together with others that share it; False if another process has it."""
    try:
        _lock(descriptor, shared=shared)
    except BlockingIOError:
        return False
    return True


def has_name(descriptor: int, path: Path) -> bool:
    """Check whether a locked file still has its name: the previous holder may have removed it."""
    # Windows removes no open file.
    if sys.platform == "win32":
        return True
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    _SHARED, _EXCLUSIVE = 0, 2
    _AT_ONCE = 1
    # The error of LockFileEx if another process has the lock.
    _VIOLATION = 33

    class _Overlapped(ctypes.Structure):
        """OVERLAPPED: it holds the offset of the lock, which is 0."""

        _fields_ = (
            ("internal", ctypes.c_void_p),
            ("internal_high", ctypes.c_void_p),
            ("offset", ctypes.c_uint32),
            ("offset_high", ctypes.c_uint32),
            ("event", ctypes.c_void_p),
        )

    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel.LockFileEx.argtypes = (
        ctypes.c_void_p,
        *(ctypes.c_uint32,) * 4,
        ctypes.POINTER(_Overlapped),
    )
    _kernel.UnlockFileEx.argtypes = (
        ctypes.c_void_p,
        *(ctypes.c_uint32,) * 3,
        ctypes.POINTER(_Overlapped),
    )

    def _lock(descriptor: int, *, shared: bool = False, waits: bool = False) -> None:
        flags = (_SHARED if shared else _EXCLUSIVE) | (0 if waits else _AT_ONCE)
        handle = msvcrt.get_osfhandle(descriptor)
        # As in flock(2), a lock replaces another one; here it would wait for it.
        _kernel.UnlockFileEx(handle, 0, 1, 0, ctypes.byref(_Overlapped()))
        if not _kernel.LockFileEx(handle, flags, 0, 1, 0, ctypes.byref(_Overlapped())):
            error = ctypes.WinError(ctypes.get_last_error())
            raise BlockingIOError if error.winerror == _VIOLATION else error

    def close_and_remove(descriptor: int, path: Path) -> None:
        """Release a lock, and remove its file unless another process has opened it."""
        os.close(descriptor)
        with suppress(OSError):
            path.unlink()

else:

    def _lock(descriptor: int, *, shared: bool = False, waits: bool = False) -> None:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(descriptor, kind | (0 if waits else fcntl.LOCK_NB))

    def close_and_remove(descriptor: int, path: Path) -> None:
        """Remove the file of a lock, and release the lock."""
        path.unlink(missing_ok=True)
        os.close(descriptor)
