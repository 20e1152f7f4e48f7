"""The limits of a process that runs a build file.

:mod:`llb.buildfile.running` ends a file that does not end, and says where it was. Code in C that
does not let go, as a regular expression that tries everything, it cannot end; the system can.
"""

from __future__ import annotations

import resource

from llb.buildfile.running import SECONDS

_GRACE = 15
_MEMORY = 4 << 30


def set_limits() -> None:
    """Let the process have some more time than a build file may take, and 4 GiB of memory."""
    seconds = int(SECONDS) + _GRACE
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
