"""Exhaust resources of this process."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 256


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Use up all file descriptors, so that opening a file fails with EMFILE."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    descriptors: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, limits[1]))
    try:
        with suppress(OSError):
            while True:
                descriptors.append(os.dup(0))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for descriptor in descriptors:
            os.close(descriptor)
