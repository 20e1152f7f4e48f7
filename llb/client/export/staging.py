"""Folders in which a result waits until it is whole, on the file system where it will be."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from llb.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


PREFIX = ".llb-partial-"
"""How the names of these folders begin."""


def make_staging(destination: Path) -> Path:
    """Make a folder in a directory, or beside one that is not there yet. Raises InputError."""
    # In a directory that exists, its own file system is the one to rename on.
    name = f"{PREFIX}{uuid.uuid4().hex[:12]}"
    parent = destination if destination.is_dir() else destination.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        staging = parent / name
        staging.mkdir()
    except OSError as error:
        raise InputError(f"cannot export to {destination}: {error.strerror}") from error
    return staging
