"""Wait for conditions, however busy the machine is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# The timeout of a wait, in seconds. A wait that succeeds takes far less, even on a busy machine.
PATIENCE = 120.0
_PAUSE = 0.05


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until a condition holds; raises AssertionError after the timeout."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(_PAUSE)
