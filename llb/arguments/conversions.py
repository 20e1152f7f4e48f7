"""Arguments with two spellings: paths, times and sizes as plain values or as objects and strings."""

from __future__ import annotations

import re
from os import PathLike, fspath
from typing import TYPE_CHECKING, TypeAlias

from llb.errors import InvalidValueError

if TYPE_CHECKING:
    from datetime import timedelta

StrPath: TypeAlias = str | PathLike[str]
"""A path in a tree: a string, or an object such as ``PurePosixPath``."""

RawText: TypeAlias = str
"""A string that may contain NUL, because it comes from a file or an image config as it is."""

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(?:([kmgt])i?b?|b)?\Z", re.IGNORECASE)

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


def to_size(value: object, label: str) -> int:
    """Convert a size to bytes. Raises InvalidValueError.

    >>> to_size("64m", "shm_size")
    67108864
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.match(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise InvalidValueError(f"invalid {label} {value!r}: expected a size such as 64m")
    return int(float(match[1]) * 1024 ** " kmgt".index((match[2] or " ").lower()))
