"""A walk over a directory as a daemon wants to see it: ordered, filtered, described.

The order and the filter are those of BuildKit's file transfer (``fsutil``): names
sorted by their bytes, a directory before what is in it; include patterns, exclude
patterns, and paths that are followed through symbolic links.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from attrs import frozen, mutable

from llb.errors import InputError
from llb.paths import clean, join
from llb.patterns import Patterns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WILDCARDS = "*?["
_PATTERN_CHARACTERS = "*[]?^\\"
_MAX_LINKS = 255


@frozen
class Entry:
    """A file of the walk: its path relative to the root, and what lstat(2) says."""

    path: str
    status: os.stat_result


@frozen
class Filter:
    """Which files a walk yields; without patterns all of them."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    follow: tuple[str, ...] = ()


def walk(root: str, chosen: Filter) -> Iterator[Entry]:
    """Yield the files below ``root`` that the filter lets through, in the order of the transfer.

    A directory that is not chosen itself comes before what is chosen in it.
    What vanishes meanwhile is left out. Raises InputError for what cannot be read.
    """
    include = list(chosen.include)
    if chosen.follow:
        include = _deduplicated([*include, *_follow(root, chosen.follow)])
    return _Walk(
        include=Patterns.compile(include) if include else None,
        exclude=Patterns.compile(chosen.exclude) if chosen.exclude else None,
    ).run(root)


@mutable
class _Directory:
    """A directory that the walk is in."""

    path: str
    entry: Entry | None
    pending: Iterator[os.DirEntry[str]]
    included: tuple[bool, ...] | None
    excluded: tuple[bool, ...] | None


@frozen
class _Walk:
    include: Patterns | None
    exclude: Patterns | None

    def run(self, root: str) -> Iterator[Entry]:
        # A directory's entry is held back until something in it is yielded.
        stack = [_Directory("", None, _scan(root), None, None)]
        while stack:
            found = next(stack[-1].pending, None)
            if found is None:
                stack.pop()
                continue
            path = f"{stack[-1].path}/{found.name}" if stack[-1].path else found.name
            try:
                status = found.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            entry = Entry(path, status)
            is_directory = stat.S_ISDIR(status.st_mode)
            chosen, included, excluded = self._choose(path, stack[-1])
            if chosen:
                yield from _held_back(stack)
                yield entry
            if is_directory and (chosen or self._may_hold(path, included, excluded)):
                held = None if chosen else entry
                scanned = _scan(found.path, lenient=not chosen)
                stack.append(_Directory(path, held, scanned, included, excluded))

    def _choose(
        self, path: str, parent: _Directory
    ) -> tuple[bool, tuple[bool, ...] | None, tuple[bool, ...] | None]:
        chosen = True
        included = excluded = None
        if self.include is not None:
            chosen, included = self.include.match_below(path, parent.included)
        if self.exclude is not None:
            hit, excluded = self.exclude.match_below(path, parent.excluded)
            chosen = chosen and not hit
        return chosen, included, excluded

    def _may_hold(
        self, path: str, included: tuple[bool, ...] | None, excluded: tuple[bool, ...] | None
    ) -> bool:
        """Return whether anything below a directory that is not chosen could be chosen."""
        if self.include is not None and not (included and any(included)):
            texts = [each.prefix for each in self.include.patterns if not each.exclusion]
            if not _could_be_below(path, texts):
                return False
        if self.exclude is not None and excluded and any(excluded):
            texts = [each.prefix for each in self.exclude.patterns if each.exclusion]
            return _could_be_below(path, texts)
        return True


def _could_be_below(path: str, texts: list[str]) -> bool:
    """Return whether a pattern may match below ``path``; one with wildcards always may."""
    return any(
        any(character in text for character in _PATTERN_CHARACTERS)
        or f"{text}/".startswith(f"{path}/")
        for text in texts
    )


def _held_back(stack: list[_Directory]) -> Iterator[Entry]:
    for directory in stack:
        if directory.entry is not None:
            yield directory.entry
            directory.entry = None


def _scan(path: str, *, lenient: bool = False) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(path) as found:
            return iter(sorted(found, key=lambda entry: os.fsencode(entry.name)))
    except FileNotFoundError:
        return iter(())
    except OSError as error:
        if lenient and isinstance(error, PermissionError):
            return iter(())
        raise InputError(f"cannot read the directory {path}: {error.strerror}") from error


def _follow(root: str, paths: Iterable[str]) -> list[str]:
    """Return the paths and what they lead to through symbolic links, as patterns."""
    resolved: set[str] = set()
    pending = [clean(f"/{path}").lstrip("/") or "." for path in paths]
    steps = 0
    while pending:
        path = pending.pop()
        steps += 1
        if steps > _MAX_LINKS * (1 + len(resolved)):
            break
        current = ""
        parts = path.split("/")
        for place, part in enumerate(parts):
            current = join(current, part)
            targets = _targets(root, current)
            rest = parts[place + 1 :]
            if targets:
                if current not in resolved:
                    resolved.add(current)
                    pending += [join(target, *rest).lstrip("/") or "." for target in targets]
                break
            if not rest:
                resolved.add(current)
    return sorted(resolved)


def _targets(root: str, path: str) -> list[str]:
    """Return where the symbolic links that ``path`` names lead, from the root of the tree."""
    folder, _, name = path.rpartition("/")
    names = [name]
    if any(character in name for character in _WILDCARDS):
        pattern = Patterns.compile([name])
        try:
            listed = sorted(os.listdir(os.path.join(root, folder)))  # noqa: PTH118, PTH208
        except OSError:
            return []
        names = [each for each in listed if pattern.matches(each)]
    targets = []
    for each in names:
        try:
            link = os.readlink(os.path.join(root, folder, each))  # noqa: PTH115, PTH118
        except OSError:
            continue
        target = clean(link) if link.startswith("/") else join("/", folder, link)
        targets.append(clean(f"/{target}").lstrip("/"))
    return targets


def _deduplicated(patterns: list[str]) -> list[str]:
    """Return the patterns sorted, without those below another one; the root means all."""
    kept: list[str] = []
    for pattern in sorted(set(patterns)):
        if pattern == ".":
            return []
        if not kept or not pattern.startswith(kept[-1] + "/"):
            kept.append(pattern)
    return kept
