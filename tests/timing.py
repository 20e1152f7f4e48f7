"""Time in tests, none of which may depend on how busy, how fast or how traced the machine is."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 60.0
"""How long a test waits for what is certain to happen, before it fails."""

_PAUSE = 0.005


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that another thread or process brings about."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come about"
        time.sleep(_PAUSE)


def cpu_seconds(work: Callable[[], object], *, runs: int = 3) -> float:
    """Return the CPU time that ``work`` takes on this thread, the least of some runs.

    What else runs on the machine adds next to nothing to it. It still depends on the machine and on
    whether the code is traced, and is only compared with that of other work.
    """
    return min(_cpu_seconds(work) for _ in range(runs))


def _cpu_seconds(work: Callable[[], object]) -> float:
    # A collection would look through everything that other tests have left.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        begun = time.thread_time()
        work()
        return time.thread_time() - begun
    finally:
        if was_enabled:
            gc.enable()
