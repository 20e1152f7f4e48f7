"""Signals that end a command: it cancels the build and removes incomplete results before it exits."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from attrs import mutable

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130
# In seconds. A terminal that is closed, or an impatient user, sends several signals, and a second
# one must not interrupt the cleanup after the first.
_CLEANUP_SECONDS = 2.0
# The time in which the main thread usually handles a signal.
_WAKING_SECONDS = 0.05


def handle() -> None:
    """Install the handler, except for signals that the parent process ignores."""
    handler = _Handler()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        # Windows has no SIGHUP.
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
    if sys.platform != "win32":
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        threading.Thread(target=_wake_main_thread, args=(reader, handler), daemon=True).start()


@mutable
class _Handler:
    """The first signal ends the command; one after the time for cleanup ends the process at once."""

    since: float | None = None

    @property
    def is_cleaning(self) -> bool:
        return self.since is not None and time.monotonic() - self.since <= _CLEANUP_SECONDS

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.since is None:
            self.since = time.monotonic()
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            # The status that a shell gives for the signal.
            sys.exit(128 + number)
        if not self.is_cleaning:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


if sys.platform != "win32":

    def _wake_main_thread(reader: int, handler: _Handler) -> None:
        """Wake the main thread from waiting if the system gave a signal to another thread.

        Handlers run in the main thread only. Of two signals at once, the system may give both to a
        thread that is not interrupted by them.
        """
        main_thread = threading.main_thread().ident
        assert main_thread is not None
        # What is sent here arrives here, too: all of it at once, so that it is no later signal.
        while data := os.read(reader, 4096):
            time.sleep(_WAKING_SECONDS)
            while not handler.is_cleaning:
                signal.pthread_kill(main_thread, data[-1])
                time.sleep(_WAKING_SECONDS)
