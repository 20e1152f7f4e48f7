"""Open a connection on a separate thread, so that whoever waits for it can stop waiting."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from llb.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable

T_ = TypeVar("T_")


class Opening(Generic[T_]):
    """A call of ``connect`` on a separate thread, which any thread can abandon.

    Connecting can take half a minute, and nothing interrupts it. ``discard`` closes a connection
    that is ready after it was abandoned.
    """

    def __init__(self, connect: Callable[[], T_], discard: Callable[[T_], None]) -> None:
        self._connect = connect
        self._discard = discard
        self._changed = threading.Condition()
        self._outcome: list[T_] = []
        self._failure: Exception | None = None
        self._is_abandoned = False
        threading.Thread(target=self._run, name="opening", daemon=True).start()

    def wait(self) -> T_:
        """Wait for the connection; raises the error of ``connect``, or CancelledError."""
        with self._changed:
            self._changed.wait_for(lambda: self._outcome or self._failure or self._is_abandoned)
            if self._outcome:
                return self._outcome[0]
            raise self._failure or CancelledError("the connection is no longer needed")

    def abandon(self) -> None:
        """End the wait with CancelledError, unless the connection is already open."""
        with self._changed:
            self._is_abandoned = True
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            connection = self._connect()
        # The thread that waits raises it, whatever it is.
        except Exception as error:  # noqa: BLE001
            with self._changed:
                self._failure = error
                self._changed.notify_all()
            return
        with self._changed:
            if not self._is_abandoned:
                self._outcome.append(connection)
                self._changed.notify_all()
                return
        self._discard(connection)
