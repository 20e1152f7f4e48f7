"""The lock of a folder with local caches, which buildctl has since BuildKit v0.34.

Builds that export to the folder share it from their first blob until the index names the cache. To
delete blobs that no cache needs, a build must hold it alone.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

from llb.errors import InputError
from llb.local_files import locks

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "cache.lock"
_WAIT_SECONDS = 10.0
_PAUSE = 0.05


class CacheLock:
    """The lock of one build; it is safe for concurrent calls. The file stays in the folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._descriptor: int | None = None
        self._guard = threading.Lock()

    def share(self) -> None:
        """Take the lock with other exports; a second call does nothing.

        Raises InputError if another process deletes blobs for too long, or for a folder that cannot
        be written.
        """
        with self._guard:
            if self._descriptor is None:
                self._descriptor = self._open()
                self._wait(self._descriptor)

    def take_alone(self) -> bool:
        """Take a shared lock alone, without waiting; without success, the lock is free."""
        with self._guard:
            assert self._descriptor is not None
            if locks.try_lock(self._descriptor):
                return True
            self._close()
            return False

    def release(self) -> None:
        """Release the lock; does nothing if it is free."""
        with self._guard:
            self._close()

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise InputError(f"cannot write {self._path}: {error.strerror}") from error

    def _wait(self, descriptor: int) -> None:
        deadline = time.monotonic() + _WAIT_SECONDS
        while not locks.try_lock(descriptor, shared=True):
            if time.monotonic() > deadline:
                self._close()
                raise InputError(
                    f"cannot write {self._path.parent}: another process holds {self._path}"
                )
            time.sleep(_PAUSE)

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
