"""Look at files that a user names: InputError for paths that cannot be followed.

The methods of pathlib raise PermissionError for a directory that the user may not enter, and
OSError for a name that is too long.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, TypeAlias

from llb._lazy import lazy_imports
from llb.errors import InputError

with lazy_imports(__name__):
    import pathlib  # 4 ms

if TYPE_CHECKING:
    from pathlib import Path

Name: TypeAlias = str | os.PathLike[str]


def exists(path: Name) -> bool:
    """Check whether there is a file of any kind. Raises InputError."""
    return _status(path) is not None


def is_dir(path: Name) -> bool:
    """Check for a directory, or a link to one. Raises InputError."""
    status = _status(path)
    return status is not None and stat.S_ISDIR(status.st_mode)


def is_file(path: Name) -> bool:
    """Check for a regular file, or a link to one. Raises InputError."""
    status = _status(path)
    return status is not None and stat.S_ISREG(status.st_mode)


def resolve(path: Name) -> Path:
    """Make a path absolute and resolve its links, as far as they exist. Raises InputError."""
    try:
        return pathlib.Path(os.path.realpath(path))
    except OSError as error:
        # Only the working directory is looked up strictly.
        raise InputError(f"cannot find the working directory: {error.strerror}") from error


def home() -> Path:
    """Locate the home directory of the user. Raises InputError if there is none."""
    try:
        return pathlib.Path.home()
    except RuntimeError as error:
        raise InputError("cannot find the home directory of this user", hint="set HOME") from error


def expand_user(path: str) -> Path:
    """Replace ``~`` or ``~USER`` at the start of a path. Raises InputError for an unknown user."""
    try:
        return pathlib.Path(path).expanduser()
    except RuntimeError as error:
        raise InputError(f"cannot find the home directory in {path}", hint="set HOME") from error


def working_directory() -> Path:
    """Locate the working directory. Raises InputError if it was removed."""
    return resolve(".")


def _status(path: Name) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 - names may be strings
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"cannot access {path}: {error.strerror}") from error
