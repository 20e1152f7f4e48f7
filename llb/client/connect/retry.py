"""Waiting for a daemon that is about to be there."""

from __future__ import annotations

import random
import time
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from llb.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Found = TypeVar("Found")

_FIRST_SECONDS = 0.05
_LONGEST_SECONDS = 2.0
_DOUBLINGS = 10


def delays(chance: Callable[[], float] = random.random) -> Iterator[float]:
    """Yield how many seconds to wait before each further attempt, without end.

    Twice as long each time, up to two seconds, of which ``chance``, from 0 to 1, takes up
    to the half away, so that many who wait for one daemon do not come all at once.

    >>> [next(pauses) for pauses in [delays(lambda: 0.0)] for _ in range(3)]
    [0.05, 0.1, 0.2]
    """
    for attempt in count():
        longest = min(_FIRST_SECONDS * 2 ** min(attempt, _DOUBLINGS), _LONGEST_SECONDS)
        yield longest * (1 - chance() / 2)


def retried(
    attempt: Callable[[], Found],
    timeout: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Found:
    """Return what ``attempt`` does, tried again while it raises ConnectError.

    Raises that error once ``timeout``, in seconds, is over; an attempt is never cut short.
    ``clock`` and ``sleep`` are the time that it goes by.
    """
    deadline, pauses = clock() + timeout, delays()
    while True:
        try:
            return attempt()
        except ConnectError:
            left = deadline - clock()
            if left <= 0:
                raise
        sleep(min(next(pauses), left))
