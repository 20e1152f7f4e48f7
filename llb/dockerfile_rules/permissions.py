"""Parse and write owners and modes of files, as in ``--chown``, ``--chmod`` and USER."""

from __future__ import annotations

import re

from llb.errors import InvalidValueError
from llb.gocompat.path import check_mode, is_symbolic_mode
from llb.ops import nodes as ops
from llb.state.file_actions import parse_owner

_OCTAL = re.compile(r"[0-7]+\Z")
# Python refuses to convert numbers with thousands of digits.
_LONGEST_NUMBER = 1000


def parse_chown(spec: str) -> ops.Owner | None:
    """Parse ``user[:group]``; None for an empty string.

    Unlike the library, Docker treats an empty user as root.
    """
    if not spec:
        return None
    user, _, group = spec.partition(":")
    return ops.Owner(user=_user(user), group=_user(group) if group else None)


def has_names(owner: ops.Owner | None) -> bool:
    """Check whether the daemon must look up the user or the group in the files of the image."""
    parts = () if owner is None else (owner.user, owner.group)
    return any(part is not None and part.name is not None for part in parts)


def to_chown(owner: ops.Owner | None) -> str:
    """Write an owner as :func:`parse_chown` reads it."""
    if owner is None:
        return ""
    user, group = (
        "" if part is None else str(part.id) if part.name is None else part.name
        for part in (owner.user, owner.group)
    )
    return user if owner.group is None else f"{user}:{group}"


def parse_chmod(spec: str) -> int | str | None:
    """Parse an octal or symbolic mode; None for an empty string. Raises InvalidValueError."""
    if not spec:
        return None
    if len(spec) <= _LONGEST_NUMBER and _OCTAL.match(spec):
        return check_mode(int(spec, 8))
    if not is_symbolic_mode(spec):
        raise InvalidValueError(f"invalid mode {spec!r}: expected an octal number, or u=rwX,go-w")
    return spec


def to_chmod(mode: int | str) -> str:
    """Write a mode as :func:`parse_chmod` reads it."""
    return mode if isinstance(mode, str) else f"0{mode:o}"


def _user(word: str) -> ops.User | None:
    if not word:
        return ops.User(id=0)
    if ":" in word or len(word) > _LONGEST_NUMBER:
        return ops.User(name=word)
    owner = parse_owner(word)
    return None if owner is None else owner.user
