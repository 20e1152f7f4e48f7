"""Retry with exponential backoff until a daemon can be reached."""

from __future__ import annotations

import random
import time
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from llb._logs import logger
from llb.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_log = logger(__name__)

T_ = TypeVar("T_")

_FIRST_SECONDS = 0.05
_LONGEST_SECONDS = 2.0
_DOUBLINGS = 10


def delays(chance: Callable[[], float] = random.random) -> Iterator[float]:
    """Yield the seconds to wait before each further attempt, without end.

    Delays double up to two seconds. ``chance``, between 0 and 1, shortens each by up to half, so
    that many clients do not reconnect at the same moment.

    >>> [next(pauses) for pauses in [delays(lambda: 0.0)] for _ in range(3)]
    [0.05, 0.1, 0.2]
    """
    for attempt in count():
        longest = min(_FIRST_SECONDS * 2 ** min(attempt, _DOUBLINGS), _LONGEST_SECONDS)
        yield longest * (1 - chance() / 2)


def retried(
    attempt: Callable[[], T_],
    timeout: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> T_:
    """Call ``attempt`` until it no longer raises ConnectError, and return its result.

    Raises the last ConnectError after ``timeout`` seconds; an attempt is never interrupted.
    ``clock`` and ``sleep`` may be replaced in tests.
    """
    deadline, pauses = clock() + timeout, delays()
    while True:
        try:
            return attempt()
        except ConnectError as error:
            remaining = deadline - clock()
            if remaining <= 0:
                raise
            pause = min(next(pauses), remaining)
            _log.debug("next attempt in %.2f s: %s", pause, error.message)
        sleep(pause)
