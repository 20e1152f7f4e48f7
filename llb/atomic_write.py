"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from llb.errors import InputError


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file; who reads it meanwhile sees the old bytes or the new ones.

    Raises InputError where it cannot be written; what was there is left then.
    """
    target = Path(path)
    try:
        _replace(target, data)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}") from error


def _replace(target: Path, data: bytes) -> None:
    # A device or a pipe is written to, not replaced.
    if target.exists() and not target.is_file():
        target.write_bytes(data)
        return
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        beside.write_bytes(data)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
