"""Flags of ``os.open``, zero on a system that lacks them.

Python opens every file so that child processes do not inherit it, which needs no flag.
"""

from __future__ import annotations

import os

# Without it, Windows changes the ends of lines.
BINARY: int = getattr(os, "O_BINARY", 0)
NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
NON_BLOCKING: int = getattr(os, "O_NONBLOCK", 0)
