"""Time in tests, which must not depend on the speed or load of the machine, or on tracing."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 60.0
"""The timeout of a wait for something that certainly happens."""

_PAUSE = 0.005


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that another thread or process fulfills."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition was not fulfilled"
        time.sleep(_PAUSE)


def cpu_seconds(work: Callable[[], object], *, runs: int = 3) -> float:
    """Measure the CPU time of ``work`` on this thread, the minimum of several runs.

    Other programs add next to nothing to it. It still depends on the machine and on tracing, so
    compare it only with the CPU time of other work.
    """
    return min(_cpu_seconds(work) for _ in range(runs))


def _cpu_seconds(work: Callable[[], object]) -> float:
    # A garbage collection would visit all objects of earlier tests.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        start = time.thread_time()
        work()
        return time.thread_time() - start
    finally:
        if was_enabled:
            gc.enable()
