"""Staging folders for incomplete results, on the file system of the destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.atomic_write import new_name
from llb.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def make_staging(destination: Path) -> Path:
    """Create a staging folder in an existing directory, or next to a new one. Raises InputError."""
    # Renaming works only within one file system, which is that of an existing destination.
    parent = destination if destination.is_dir() else destination.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        staging = parent / new_name()
        staging.mkdir()
    except OSError as error:
        raise InputError(f"cannot export to {destination}: {error.strerror}") from error
    return staging
