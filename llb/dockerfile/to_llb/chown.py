"""Owners of files, as ``--chown`` and USER name them."""

from __future__ import annotations

from llb.ops import nodes as ops
from llb.state.file_actions import parse_owner

# Python reads no number of thousands of digits.
_LONGEST_ID = 1000


def to_owner(text: str) -> ops.Owner | None:
    """Return the owner that ``user[:group]`` names, None for an empty text.

    Unlike the library, Docker takes an empty user or group for root.
    """
    if not text:
        return None
    user, colon, group = text.partition(":")
    return ops.Owner(user=_user(user), group=_user(group) if colon else None)


def _user(word: str) -> ops.User | None:
    if not word:
        return ops.User(id=0)
    if ":" in word or len(word) > _LONGEST_ID:
        return ops.User(name=word)
    owner = parse_owner(word)
    return None if owner is None else owner.user
