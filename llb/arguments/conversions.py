"""Arguments that have two spellings: paths as strings or objects, times as numbers or timedeltas."""

from __future__ import annotations

from os import PathLike, fspath
from typing import TYPE_CHECKING, TypeAlias

from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from datetime import timedelta

StrPath: TypeAlias = str | PathLike[str]
"""A path in a tree: a string, or an object such as ``PurePosixPath``."""

RawText: TypeAlias = str
"""A string that may contain NUL, because it comes from a file or an image config as it is."""

Duration: TypeAlias = "float | timedelta"
"""A time span: a number of seconds, or a timedelta."""


def to_path(path: StrPath) -> str:
    r"""Convert a path in a tree to a string, with ``/`` between its parts.

    Raises InvalidValueError for a path of bytes.

    >>> from pathlib import PureWindowsPath
    >>> to_path(PureWindowsPath("etc\\hosts"))
    'etc/hosts'
    """
    if isinstance(path, str):
        return path
    as_posix = getattr(path, "as_posix", None)
    text = fspath(path) if as_posix is None else as_posix()
    if not isinstance(text, str):
        raise InvalidValueError(f"invalid path {text!r}: expected a path of characters")
    return text


def to_seconds(duration: Duration) -> float:
    """Convert a duration to seconds.

    >>> from datetime import timedelta
    >>> to_seconds(timedelta(minutes=2))
    120.0
    """
    return duration if isinstance(duration, int | float) else duration.total_seconds()
