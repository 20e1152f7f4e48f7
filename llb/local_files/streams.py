"""Read pipes, devices and open descriptors, which programs pass like files.

``/dev/stdin``, ``/dev/fd/N`` and a shell's ``<(…)`` have no folder of their own, and can be read once.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from llb.errors import InputError
from llb.local_files.atomic_write import resolve_destination

if TYPE_CHECKING:
    from llb.local_files import paths


def read_stream(path: paths.Name, limit: int = -1) -> bytes | None:
    """Read a pipe, device or open descriptor to its end; None for any other path.

    It reads at most one byte more than ``limit``. Raises InputError.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - names may be strings
        location = resolve_destination(Path(path))
        if stat.S_ISDIR(status.st_mode):
            return None
        if isinstance(location, int):
            # Opened by its name, a file would be read from its start.
            stream = os.fdopen(os.dup(location), "rb")
        elif stat.S_ISREG(status.st_mode) or stat.S_ISSOCK(status.st_mode):
            return None
        else:
            stream = location.open("rb")
        with stream:
            return stream.read(limit if limit < 0 else limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
