"""The loggers of ``llb``, which write nothing until a program configures :mod:`logging`.

Each module has the logger of its name. The level INFO tells about connections and builds, DEBUG
about calls, requests of the daemon, and where credentials come from. Secrets are never logged.
"""

from __future__ import annotations

import logging

logging.getLogger("llb").addHandler(logging.NullHandler())


def logger(module: str) -> logging.Logger:
    """Look up the logger of a module."""
    return logging.getLogger(module)
