"""Convert paths of Windows images to those of LLB: without a drive, with slashes.

The rules are those of BuildKit's ``util/system``; the only drive is C.
"""

from __future__ import annotations

from llb.errors import InvalidValueError
from llb.gocompat.path import clean

DRIVE = "removing drive letter: "


def to_slashes(path: str, doing: str = DRIVE) -> str:
    r"""Convert a Windows path to slashes, and remove its drive; a trailing slash is kept.

    Raises InvalidValueError; its message begins with ``doing``, Docker's name of the operation.

    >>> to_slashes(r"C:\\Program Files\\App\\")
    '/Program Files/App/'
    """
    if len(path) == 2 and path[1] == ":":
        raise InvalidValueError(f'{doing}No relative path specified in "{path}"')
    path = path.replace("\\", "/")
    if path.startswith("//"):
        raise InvalidValueError(f"{doing}UNC paths are not supported")
    drive, colon, without_drive = path.partition(":")
    if colon and drive.lower() != "c":
        raise InvalidValueError(f"{doing}The specified path is not on the system drive (C:)")
    path = without_drive if colon else path
    cleaned = clean(path)
    # Docker also removes the slash after a name of one letter.
    return f"{cleaned}/" if path.endswith("/") and len(cleaned) > 1 else cleaned


def is_absolute(path: str) -> bool:
    """Check whether a Windows path is absolute."""
    try:
        return to_slashes(path).startswith("/")
    except InvalidValueError:
        return False
