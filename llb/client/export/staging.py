"""Staging folders for incomplete results, on the file system of the destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.errors import InputError
from llb.local_files import paths
from llb.local_files.staging import StagingFolder

if TYPE_CHECKING:
    from pathlib import Path


def make_staging(destination: Path) -> StagingFolder:
    """Create a staging folder in an existing directory, or next to a new one. Raises InputError."""
    # Renaming works only within one file system, which is that of an existing destination.
    parent = destination if paths.is_dir(destination) else destination.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        return StagingFolder.create(parent)
    except OSError as error:
        raise InputError(f"cannot export to {destination}: {error.strerror}") from error
