"""Paths of Windows images, as LLB has them: without a drive, with slashes.

The rules are those of BuildKit's ``util/system``; the only drive is C.
"""

from __future__ import annotations

from llb.errors import InvalidValueError
from llb.gocompat.path import clean

DRIVE = "removing drive letter: "


def to_slashes(path: str, doing: str = DRIVE) -> str:
    r"""Return a path of Windows with slashes, and without its drive; an ending slash is kept.

    Raises InvalidValueError, whose message begins with what Docker says it is ``doing``.

    >>> to_slashes(r"C:\\Program Files\\App\\")
    '/Program Files/App/'
    """
    if len(path) == 2 and path[1] == ":":
        raise InvalidValueError(f'{doing}No relative path specified in "{path}"')
    path = path.replace("\\", "/")
    if path.startswith("//"):
        raise InvalidValueError(f"{doing}UNC paths are not supported")
    drive, colon, rest = path.partition(":")
    if colon and drive.lower() != "c":
        raise InvalidValueError(f"{doing}The specified path is not on the system drive (C:)")
    path = rest if colon else path
    cleaned = clean(path)
    # Docker takes the slash away from a name of one letter too.
    return f"{cleaned}/" if path.endswith("/") and len(cleaned) > 1 else cleaned


def is_absolute(path: str) -> bool:
    """Return whether a path of Windows begins at the root of the drive."""
    try:
        return to_slashes(path).startswith("/")
    except InvalidValueError:
        return False
