"""Join and clean paths as Go's ``path`` package does, and validate mount targets and modes."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache

from llb.errors import InvalidValueError

_CLAUSE = r"[ugoa]*(?:[-+=][rwxXstugo]*)+"
_SYMBOLIC_MODE = re.compile(rf"{_CLAUSE}(?:,{_CLAUSE})*\Z")


# Builds use the same few paths repeatedly.
_REMEMBERED = 4096


@lru_cache(_REMEMBERED)
def clean(path: str) -> str:
    """Shorten a path without changing its meaning; an empty path becomes ``.``.

    >>> clean("a//b/../c/.")
    'a/c'
    """
    cleaned = posixpath.normpath(path)
    # Two leading slashes are special in POSIX, but not in Go.
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def join(*parts: str) -> str:
    """Join and clean parts, without the empty ones.

    Unlike ``os.path.join``, a later part never restarts at the root.

    >>> join("/a", "/b")
    '/a/b'
    """
    nonempty = [part for part in parts if part]
    return clean("/".join(nonempty)) if nonempty else ""


@lru_cache(_REMEMBERED)
def absolute(workdir: str, path: str, *, keep_slash: bool = False) -> str:
    """Make ``path`` absolute; a relative one extends ``workdir``.

    ``keep_slash`` keeps a trailing ``/`` or ``/.``, which means "inside this directory" for the
    destination of a copy.
    """
    cleaned = clean(path)
    if not cleaned.startswith("/"):
        cleaned = join("/", workdir, cleaned)
    if keep_slash and path.endswith("/") and not cleaned.endswith("/"):
        return cleaned + "/"
    if keep_slash and path.endswith("/."):
        return cleaned + "." if cleaned == "/" else cleaned + "/."
    return cleaned


@lru_cache(_REMEMBERED)
def check_mount_target(target: str) -> str:
    """Validate a mount target and return it. Raises InvalidValueError."""
    if not target.startswith("/") or "\0" in target:
        raise InvalidValueError(
            f"invalid mount target {target!r}: expected an absolute path",
            hint=f"did you mean {join('/', target)}?" if target and "\0" not in target else None,
        )
    if clean(target) == "/":
        raise InvalidValueError(
            "invalid mount target '/': the root is the tree that the command runs in",
            hint="call run() on the state that should be the root",
        )
    return target


def is_symbolic_mode(text: str) -> bool:
    """Check whether ``text`` is a symbolic mode for chmod(1): ``u=rwX,go-w``."""
    return _SYMBOLIC_MODE.match(text) is not None


def check_mode(mode: int) -> int:
    """Validate a file mode of 0 to 0o7777 and return it. Raises InvalidValueError."""
    if isinstance(mode, bool) or not 0 <= mode <= 0o7777:
        raise InvalidValueError(f"invalid mode {mode!r}: expected 0 to 0o7777")
    return mode
