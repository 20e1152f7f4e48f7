"""Start programs so that none of them loads Python modules from the working directory.

The working directory is often a repository that nobody has read yet. Python puts it first on
``sys.path`` for ``-m`` and ``-c``, and a relative entry of ``PYTHONPATH`` names it too.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH = "PYTHONPATH"


def python(*arguments: str) -> list[str]:
    """Return the command that runs this Python, with no folder added to its ``sys.path``."""
    return [sys.executable, "-P", *arguments]


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment for a child, with ``changes``.

    ``PYTHONPATH`` keeps its absolute entries alone; an empty one is the working directory.
    """
    variables = {**os.environ, **(changes or {})}
    entries = variables.pop(_PATH, "").split(os.pathsep)
    if absolute := [entry for entry in entries if os.path.isabs(entry)]:  # noqa: PTH117 - no pathlib for a string
        variables[_PATH] = os.pathsep.join(absolute)
    return variables
