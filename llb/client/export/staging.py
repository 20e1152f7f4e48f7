"""Folders in which a result waits until it is whole, on the file system where it will be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.atomic_write import new_name
from llb.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def make_staging(destination: Path) -> Path:
    """Make a folder in a directory, or beside one that is not there yet. Raises InputError."""
    # In a directory that exists, its own file system is the one to rename on.
    parent = destination if destination.is_dir() else destination.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        staging = parent / new_name()
        staging.mkdir()
    except OSError as error:
        raise InputError(f"cannot export to {destination}: {error.strerror}") from error
    return staging
