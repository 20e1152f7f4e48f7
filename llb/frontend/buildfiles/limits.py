"""The limits of a process that runs a build file.

:mod:`llb.buildfile.running` interrupts a file that runs too long, and reports its line. It cannot
interrupt C code that keeps the GIL, such as a regular expression that backtracks; the operating
system can.
"""

from __future__ import annotations

import sys

from llb.buildfile.running import SECONDS

if sys.platform != "win32":
    import resource

_GRACE = 15
_MEMORY = 4 << 30


def set_limits() -> None:
    """Limit the CPU time to a little more than a build file may take, and memory to 4 GiB.

    Windows has no such limits.
    """
    if sys.platform != "win32":
        seconds = int(SECONDS) + _GRACE
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
