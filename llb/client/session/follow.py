"""Follow symbolic links: extend a build's paths with the targets of their links.

A build that copies ``a/link`` also needs the target of the link. The rules are those of BuildKit's
file transfer (``fsutil``): a wildcard in a path component follows all links that it matches, and
every link is resolved once, for the first path that contains it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.gocompat.path import clean, join
from llb.gocompat.patternmatcher import matches_glob

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llb.client.session.root import TreeReader


def add_followed_paths(
    tree: TreeReader, include: tuple[str, ...], paths: Iterable[str]
) -> tuple[str, ...] | None:
    """Extend the include patterns with ``paths`` and the targets of links in them.

    Returns None, which includes everything, if one of the patterns is the root; a path that
    resolves to the root adds nothing.
    """
    followed = _remove_nested(sorted(_resolve(tree, paths)))
    return include if followed is None else _remove_nested((*include, *followed))


def _remove_nested(patterns: Sequence[str]) -> tuple[str, ...] | None:
    """Remove patterns nested in their predecessor; None if one is the root."""
    kept: list[str] = []
    for pattern in patterns:
        if pattern == ".":
            return None
        parent = kept[-1] if kept else ""
        if not pattern.startswith(f"{parent}/"):
            kept.append(pattern)
    return tuple(kept)


def _resolve(tree: TreeReader, paths: Iterable[str]) -> set[str]:
    """Resolve the paths and the links in them, relative to the root."""
    resolved: set[str] = set()
    # Every link is followed once, so cycles of links terminate.
    pending = [join(".", path) for path in reversed(tuple(paths))]
    while pending:
        parts = pending.pop().split("/")
        for count in range(1, len(parts) + 1):
            current, remaining = "/".join(parts[:count]), parts[count:]
            targets = _link_targets(tree, current)
            if targets and current not in resolved:
                pending += [join(".", target, *remaining) for target in reversed(targets)]
            if targets or not remaining:
                resolved.add(current)
                break
    return resolved


def _link_targets(tree: TreeReader, path: str) -> list[str]:
    """List the targets of the symbolic links that ``path`` matches, relative to the root."""
    folder, _, name = path.rpartition("/")
    # No file has a NUL in its name.
    if path.split("/", maxsplit=1)[0] == ".." or "\0" in path:
        return []
    try:
        names = [name]
        if _has_wildcard(name):
            names = [entry for entry in sorted(tree.names(folder)) if matches_glob(name, entry)]
    except OSError:
        return []
    targets = []
    for entry in names:
        try:
            link = tree.link_target(folder, entry)
        except OSError:
            continue
        targets.append(clean(link) if link.startswith("/") else join("/", folder, link))
    return targets


def _has_wildcard(name: str) -> bool:
    """Check whether a component has a wildcard that no backslash escapes."""
    index = 0
    while index < len(name):
        if name[index] in "*?[":
            return True
        index += 2 if name[index] == "\\" else 1
    return False
