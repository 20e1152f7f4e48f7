"""Signals that end a command: it cancels the build and removes incomplete results before it exits."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

from attrs import define

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

INTERRUPTED = 130
# In seconds. People press Ctrl-C more than once, and must not interrupt the cleanup by that.
_CLEANUP_SECONDS = 2.0


def handle() -> None:
    """Install the handlers, except for signals that the parent process ignores."""
    handlers: dict[str, Callable[[int, FrameType | None], None]] = {
        "SIGINT": _Interrupt(),
        "SIGTERM": _exit,
        "SIGHUP": _exit,
    }
    for name, handler in handlers.items():
        # Windows has no SIGHUP.
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _exit(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature
    """Exit with the status that a shell gives for the signal."""
    sys.exit(128 + number)


@define
class _Interrupt:
    """Raises KeyboardInterrupt, unless the cleanup of an earlier one may still be running."""

    since: float | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        now = time.monotonic()
        if self.since is None or now - self.since > _CLEANUP_SECONDS:
            self.since = now
            raise KeyboardInterrupt
