"""Start child programs without loading Python modules from the working directory.

The working directory is often a repository that nobody has reviewed yet. Python puts it first on
``sys.path`` for ``-m`` and ``-c``, and a relative entry of ``PYTHONPATH`` refers to it too.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from llb._lazy import lazy_imports

with lazy_imports(__name__):
    import shutil  # 5 ms

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH = "PYTHONPATH"


def python(*arguments: str) -> list[str]:
    """Build a command that runs this Python without adding a folder to ``sys.path``."""
    return [sys.executable, "-P", *arguments]


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Copy this process's environment for a child, with ``changes`` applied.

    ``PYTHONPATH`` keeps only absolute entries; an empty entry means the working directory.
    """
    variables = {**os.environ, **(changes or {})}
    entries = variables.pop(_PATH, "").split(os.pathsep)
    if absolute := [entry for entry in entries if os.path.isabs(entry)]:  # noqa: PTH117 - no pathlib for a string
        variables[_PATH] = os.pathsep.join(absolute)
    return variables


def locate(program: str) -> str | None:
    """Find a program on PATH, but not by a relative entry: the working directory may be anything."""
    path = shutil.which(program)
    return path if path is not None and os.path.isabs(path) else None  # noqa: PTH117 - a string
