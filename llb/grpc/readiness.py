"""Wait until a descriptor can be read or written, or until another thread ends the wait."""

from __future__ import annotations

import os
import select
import socket
import sys
from contextlib import suppress

if sys.platform != "win32":
    import fcntl

# Whether every descriptor can be waited for. On Windows only sockets can.
ALL_CAN_WAIT = sys.platform != "win32"
# Linux lets an unprivileged process make its pipes this large, which saves a context switch per
# 64 KiB.
CHUNK = 2**20
_F_SETPIPE_SZ = 1031


def prepare(descriptor: int) -> None:
    """Make a descriptor non-blocking. On Windows it is that of a socket, which already is."""
    if sys.platform != "win32":
        os.set_blocking(descriptor, False)
        with suppress(OSError):
            fcntl.fcntl(descriptor, _F_SETPIPE_SZ, CHUNK)


if sys.platform == "win32":

    class Waker:
        """Waits in any number of threads, until :meth:`wake` is called from another one."""

        def __init__(self) -> None:
            # Windows waits for sockets only.
            self._woken, self._signal = socket.socketpair()

        def wait_to_read(self, descriptor: int) -> bool:
            """Wait until there is something to read; return whether the wait was not ended."""
            woken = self._woken.fileno()
            readable, _, _ = select.select([descriptor, woken], [], [])
            return woken not in readable

        def wait_to_write(self, descriptor: int) -> None:
            """Wait until there is room for something to write."""
            select.select([self._woken.fileno()], [descriptor], [])

        def wake(self) -> None:
            """End all waits, those in the future too."""
            self._signal.close()

        def close(self) -> None:
            """Release the descriptors when nobody waits any more; after :meth:`wake`."""
            self._woken.close()

        def after_fork(self) -> None:
            """Do nothing: Windows has no forks."""

else:

    class Waker:
        """Waits in any number of threads, until :meth:`wake` is called from another one."""

        def __init__(self) -> None:
            self._woken, self._signal = os.pipe()

        def wait_to_read(self, descriptor: int) -> bool:
            """Wait until there is something to read; return whether the wait was not ended."""
            return self._wait(descriptor, select.POLLIN)

        def wait_to_write(self, descriptor: int) -> None:
            """Wait until there is room for something to write."""
            self._wait(descriptor, select.POLLOUT)

        def wake(self) -> None:
            """End all waits, those in the future too."""
            # The end of the pipe would be no signal while a forked process has a copy of it.
            os.write(self._signal, b"\0")
            os.close(self._signal)

        def close(self) -> None:
            """Release the descriptors when nobody waits any more; after :meth:`wake`."""
            os.close(self._woken)

        def after_fork(self) -> None:
            """Close the child's copies of the descriptors."""
            os.close(self._signal)
            os.close(self._woken)

        def _wait(self, descriptor: int, event: int) -> bool:
            poll = select.poll()
            poll.register(descriptor, event)
            poll.register(self._woken, select.POLLIN)
            return self._woken not in dict(poll.poll())
