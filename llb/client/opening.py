"""Open a connection on a separate thread, so that whoever waits for it can stop waiting."""

from __future__ import annotations

import threading
from contextvars import copy_context
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

from llb.errors import CancelledError
from llb.grpc.endings import DeadlineError

if TYPE_CHECKING:
    from collections.abc import Callable

T_ = TypeVar("T_")


class Opening(Generic[T_]):
    """A call of ``connect`` on a separate thread, which nobody has to wait for.

    Connecting can take half a minute, and nothing interrupts it. Several threads may wait for it,
    each until a deadline of its own. ``discard`` closes a connection that was abandoned.
    """

    def __init__(self, connect: Callable[[], T_], discard: Callable[[T_], object]) -> None:
        self._connect = connect
        self._discard = discard
        self._changed = threading.Condition()
        self._outcome: list[T_] = []
        self._failure: BaseException | None = None
        self._is_abandoned = False
        # Interceptors and dialers see the caller's context variables.
        work = copy_context().run
        threading.Thread(target=work, args=(self._run,), name="opening", daemon=True).start()

    def result(self, deadline: float | None = None) -> T_:
        """Wait for the connection, until a deadline on the monotonic clock.

        Raises the error of ``connect``, DeadlineError, and CancelledError after :meth:`abandon`.
        """
        with self._changed:
            self._changed.wait_for(self._is_over, remaining(deadline))
            if self._is_abandoned:
                raise CancelledError("the connection is no longer needed")
            if self._failure is not None:
                raise self._failure
            if not self._outcome:
                raise DeadlineError("deadline of the call has passed")
            return self._outcome[0]

    def abandon(self) -> None:
        """End the wait with CancelledError, and discard the connection, now or when it is open.

        This does not wait.
        """
        with self._changed:
            self._is_abandoned = True
            unused = self._take_unused()
            self._changed.notify_all()
        for connection in unused:
            threading.Thread(target=self._discard, args=(connection,), daemon=True).start()

    def _run(self) -> None:
        try:
            outcome = [self._connect()]
            failure = None
        # Whatever a dialer raises belongs to those who wait.
        except BaseException as error:  # noqa: BLE001
            outcome, failure = [], error
        with self._changed:
            self._outcome, self._failure = outcome, failure
            unused = self._take_unused()
            self._changed.notify_all()
        for connection in unused:
            self._discard(connection)

    def _is_over(self) -> bool:
        return bool(self._outcome or self._failure or self._is_abandoned)

    def _take_unused(self) -> list[T_]:
        """Take the connection if it was abandoned; only one thread discards it."""
        if not self._is_abandoned:
            return []
        unused, self._outcome = self._outcome, []
        return unused


def deadline_after(timeout: float | None) -> float | None:
    """Compute the deadline on the monotonic clock, in seconds; None without a timeout."""
    return None if timeout is None else monotonic() + timeout


def remaining(deadline: float | None) -> float | None:
    """Compute the seconds until a deadline, 0 after it; None without one."""
    return None if deadline is None else max(0.0, deadline - monotonic())
