"""Limits of CPU time and of memory for what an attack makes this process do."""

from __future__ import annotations

import resource
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 2**20
SECONDS = 20.0
"""The usual limit of CPU time; the attacks take a tenth of it at most, on a slow machine."""

MEMORY = 64 * MIB
"""The usual limit of memory."""

# The unit of the kernel's measure.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@contextmanager
def limited(*, seconds: float = SECONDS, memory: int = MEMORY) -> Iterator[None]:
    """Fail if this process needs more CPU time in this context, or more memory than before it.

    CPU time does not grow with the load of the machine, as the time on a clock does. The memory is
    the growth of the largest resident size, which includes what is allocated outside of Python. Where
    the kernel cannot reset it, it may be too small, and never too large.
    """
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    before, start = _largest_size(), time.process_time()
    yield
    used, grown = time.process_time() - start, _largest_size() - before
    assert used < seconds, f"{used:.1f} s of CPU time"
    assert grown < memory, f"{grown / MIB:.0f} MiB of memory"


def _largest_size() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
