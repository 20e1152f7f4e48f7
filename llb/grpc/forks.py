"""Let go of the parent's connections in the child of ``os.fork``.

A fork copies the memory and the descriptors of a process, but only the thread that forked. In the
child, a lock may be held by a thread that does not exist, and no thread reads or writes any
connection. Objects that this concerns register themselves, and are told in the child before any
other code runs. They replace their locks, close the child's copies of descriptors, and never write:
the connections stay the parent's, which does not notice.
"""

from __future__ import annotations

import os
import sys
from typing import Protocol
from weakref import WeakSet

from llb.errors import TransportError


class Forked(Protocol):
    """An object that is told when it is in the child of a fork."""

    def after_fork(self) -> None:
        """Let go of what belongs to the parent, without waiting for any lock."""


_REGISTERED: WeakSet[Forked] = WeakSet()


class ForkedError(TransportError):
    """The connection belongs to the parent process."""

    def __init__(self) -> None:
        super().__init__(
            "the connection was opened before a fork, and belongs to the parent process",
            hint="a client opens a new connection in the child; start builds and calls there again",
        )


def register(concerned: Forked) -> None:
    """Tell an object about every fork, as long as it exists."""
    _REGISTERED.add(concerned)


def _tell() -> None:
    for concerned in list(_REGISTERED):
        concerned.after_fork()


# Windows has no forks.
if sys.platform != "win32":
    os.register_at_fork(after_in_child=_tell)
