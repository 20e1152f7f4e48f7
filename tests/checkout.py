"""The checkout that is tested."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]


@contextmanager
def exclusive_build() -> Iterator[None]:
    """Let one process at a time build packages: the build tool writes into the checkout."""
    (ROOT / "dist").mkdir(exist_ok=True)
    with (ROOT / "dist" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
