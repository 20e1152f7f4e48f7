"""Paths inside a tree, joined and cleaned the way Go's ``path`` package does it."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache

from llb.errors import InvalidValueError

_CLAUSE = r"[ugoa]*(?:[-+=][rwxXstugo]*)+"
_SYMBOLIC_MODE = re.compile(rf"{_CLAUSE}(?:,{_CLAUSE})*\Z")


# Builds name the same few paths again and again.
_REMEMBERED = 4096


@lru_cache(_REMEMBERED)
def clean(path: str) -> str:
    """Return the shortest path with the same meaning; ``.`` for an empty one.

    >>> clean("a//b/../c/.")
    'a/c'
    """
    cleaned = posixpath.normpath(path)
    # POSIX gives two leading slashes a meaning of their own, Go does not.
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def join(*parts: str) -> str:
    """Return the parts joined and cleaned, empty ones left out.

    A later part does not start anew at the root as with ``os.path.join``.

    >>> join("/a", "/b")
    '/a/b'
    """
    given = [part for part in parts if part]
    return clean("/".join(given)) if given else ""


@lru_cache(_REMEMBERED)
def absolute(workdir: str, path: str, *, keep_slash: bool = False) -> str:
    """Return ``path`` as an absolute path, a relative one taken from ``workdir``.

    With ``keep_slash`` an ending that says "inside this directory" (``/`` or
    ``/.``) is kept, as a copy's destination needs it.
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
    """Return ``target`` if a tree can be mounted there, else raise InvalidValueError."""
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
    """Return whether ``text`` is a mode as chmod(1) takes it: ``u=rwX,go-w``."""
    return _SYMBOLIC_MODE.match(text) is not None


def check_mode(mode: int) -> int:
    """Return ``mode`` if it is a file mode of 0 to 0o7777, else raise InvalidValueError."""
    if isinstance(mode, bool) or not 0 <= mode <= 0o7777:
        raise InvalidValueError(f"invalid mode {mode!r}: expected 0 to 0o7777")
    return mode
