"""Waits that do not depend on how busy the machine is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds after which a wait has failed. What succeeds takes far less, on a busy machine too.
PATIENCE = 120.0
_PAUSE = 0.05


def wait_until(done: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until a condition holds; raises AssertionError when it never does."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(_PAUSE)
