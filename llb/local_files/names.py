r"""Names of files that come from others, and mean something else on this system.

On Windows, ``a\b`` is a path, ``a:b`` a stream of a file, ``nul`` a device, and ``a.`` the file
``a``. A name with one of these would be written to another place than the one that was checked.
"""

from __future__ import annotations

import re
import sys

_IS_RESTRICTED = sys.platform == "win32"
_SPECIAL = re.compile(r'[<>:"|?*\\\x00-\x1f]|[ .]\Z')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\Z", re.IGNORECASE)


def is_possible(name: bytes) -> bool:
    """Check whether a file of this system can have a name, which contains neither slash nor NUL."""
    return not _IS_RESTRICTED or is_possible_on_windows(name)


def is_possible_on_windows(name: bytes) -> bool:
    r"""Check whether a file on Windows can have a name.

    >>> [is_possible_on_windows(name) for name in (b"a.b", b"a\\b", b"c:", b"nul.txt", b"a.", b"\xff")]
    [True, False, False, False, False, False]
    """
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return False
    stem = text.partition(".")[0].rstrip(" ")
    return _SPECIAL.search(text) is None and _DEVICE.match(stem) is None
