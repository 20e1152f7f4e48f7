"""Paths that a build names, with what they lead to through symbolic links.

A build that copies ``a/link`` needs where the link leads as well. The rules are those of
BuildKit's file transfer (``fsutil``): wildcards in a component lead wherever the links that they
match lead, and a link is resolved once, for the path that comes first.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from llb.gocompat.path import clean, join
from llb.gocompat.patternmatcher import matches_glob

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llb.client.session.root import Below


def with_followed(
    below: Below, include: tuple[str, ...], paths: Iterable[str]
) -> tuple[str, ...] | None:
    """Return the include patterns with ``paths`` and what they lead to below the root.

    None, which includes everything, is the result where one of the patterns is the root;
    a path that leads to the root adds nothing.
    """
    followed = _without_inner(sorted(_resolve(below, paths)))
    return include if followed is None else _without_inner((*include, *followed))


def _without_inner(patterns: Sequence[str]) -> tuple[str, ...] | None:
    """Return the patterns without those below the one before, or None for the root."""
    kept: list[str] = []
    for pattern in patterns:
        if pattern == ".":
            return None
        above = kept[-1] if kept else ""
        if not pattern.startswith(f"{above}/"):
            kept.append(pattern)
    return tuple(kept)


def _resolve(below: Below, paths: Iterable[str]) -> set[str]:
    """Return the paths and the links on the way, each relative to the root."""
    resolved: set[str] = set()
    # Every link is followed once, so that links which lead to each other come to an end.
    pending = [join(".", path) for path in reversed(tuple(paths))]
    while pending:
        parts = pending.pop().split("/")
        for count in range(1, len(parts) + 1):
            current, rest = "/".join(parts[:count]), parts[count:]
            targets = _targets(below, current)
            if targets and current not in resolved:
                pending += [join(".", target, *rest) for target in reversed(targets)]
            if targets or not rest:
                resolved.add(current)
                break
    return resolved


def _targets(below: Below, path: str) -> list[str]:
    """Return where the symbolic links that ``path`` names lead, from the root of the tree."""
    folder, _, name = path.rpartition("/")
    if path.split("/", maxsplit=1)[0] == "..":
        return []
    try:
        descriptor = below.directory(folder)
        names = [name]
        if _has_wildcard(name):
            listed = sorted(os.listdir(descriptor))  # noqa: PTH208 - pathlib takes no descriptor
            names = [each for each in listed if matches_glob(name, each)]
    except OSError:
        return []
    targets = []
    for each in names:
        try:
            link = os.readlink(each, dir_fd=descriptor)
        except OSError:
            continue
        targets.append(clean(link) if link.startswith("/") else join("/", folder, link))
    return targets


def _has_wildcard(name: str) -> bool:
    """Return whether a component has a wildcard that no backslash escapes."""
    place = 0
    while place < len(name):
        if name[place] in "*?[":
            return True
        place += 2 if name[place] == "\\" else 1
    return False
