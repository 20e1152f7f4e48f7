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

from llb.client.session.follow import with_followed
from llb.errors import InputError
from llb.gocompat.patternmatcher import Patterns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llb.client.session.root import Below

_PATTERN_CHARACTERS = frozenset("*[]?^\\")


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


def walk(below: Below, chosen: Filter) -> Iterator[Entry]:
    """Return the files below a root that the filter lets through, in the order of the transfer.

    A directory that is not chosen itself comes before what is chosen in it.
    What vanishes meanwhile is left out. Raises InvalidValueError for a malformed
    pattern, and the iterator InputError for what cannot be read.
    """
    include: tuple[str, ...] | None = chosen.include
    if chosen.follow:
        include = with_followed(below, chosen.include, chosen.follow)
    return _Walk(
        below=below,
        include=Patterns.compile(include) if include else None,
        exclude=Patterns.compile(chosen.exclude) if chosen.exclude else None,
    ).run()


@frozen
class _Choice:
    """What the patterns say of a file, and which of them match, for what is below it."""

    is_included: bool = True
    is_excluded: bool = False
    included_by: tuple[bool, ...] | None = None
    excluded_by: tuple[bool, ...] | None = None

    @property
    def is_chosen(self) -> bool:
        return self.is_included and not self.is_excluded


@mutable
class _Directory:
    """A directory that the walk is in."""

    path: str
    entry: Entry | None
    pending: Iterator[str]
    choice: _Choice


@frozen
class _Walk:
    below: Below
    include: Patterns | None
    exclude: Patterns | None

    def run(self) -> Iterator[Entry]:
        # A directory's entry is held back until something in it is yielded.
        stack = [_Directory("", None, self._names("", lenient=False), _Choice())]
        while stack:
            name = next(stack[-1].pending, None)
            if name is None:
                stack.pop()
                continue
            path = f"{stack[-1].path}/{name}" if stack[-1].path else name
            try:
                folder = self.below.directory(stack[-1].path)
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except (FileNotFoundError, NotADirectoryError):
                # It was there a moment ago, or is in what was a directory then.
                continue
            entry = Entry(path, status)
            choice = self._choose(path, stack[-1].choice)
            if choice.is_chosen:
                yield from _held_back(stack)
                yield entry
            if stat.S_ISDIR(status.st_mode) and (choice.is_chosen or self._may_hold(path, choice)):
                held = None if choice.is_chosen else entry
                names = self._names(path, lenient=not choice.is_chosen)
                stack.append(_Directory(path, held, names, choice))

    def _names(self, path: str, *, lenient: bool) -> Iterator[str]:
        """Return the names in a directory in order; raises InputError.

        With ``lenient`` one that the user must not read is empty.
        """
        try:
            names = os.listdir(self.below.directory(path))  # noqa: PTH208 - a descriptor
            return iter(sorted(names, key=os.fsencode))
        except (FileNotFoundError, NotADirectoryError):
            return iter(())
        except OSError as error:
            if lenient and isinstance(error, PermissionError):
                return iter(())
            place = f"{self.below.root.path}/{path}".rstrip("/")
            raise InputError(f"cannot read the directory {place}: {error.strerror}") from error

    def _choose(self, path: str, parent: _Choice) -> _Choice:
        is_included, is_excluded = True, False
        included_by = excluded_by = None
        if self.include is not None:
            is_included, included_by = self.include.match_below(path, parent.included_by)
        if self.exclude is not None:
            is_excluded, excluded_by = self.exclude.match_below(path, parent.excluded_by)
        return _Choice(is_included, is_excluded, included_by, excluded_by)

    def _may_hold(self, path: str, choice: _Choice) -> bool:
        """Return whether anything below a directory that is not chosen could be chosen."""
        if self.include is not None and not choice.is_included:
            including = (each.prefix for each in self.include.patterns if not each.exclusion)
            if not _could_be_below(path, including):
                return False
        if self.exclude is not None and choice.is_excluded:
            excepting = (each.prefix for each in self.exclude.patterns if each.exclusion)
            return _could_be_below(path, excepting)
        return True


def _could_be_below(path: str, texts: Iterable[str]) -> bool:
    """Return whether a pattern may match below ``path``; one with wildcards always may."""
    return any(
        not _PATTERN_CHARACTERS.isdisjoint(text) or f"{text}/".startswith(f"{path}/")
        for text in texts
    )


def _held_back(stack: list[_Directory]) -> Iterator[Entry]:
    for directory in stack:
        if directory.entry is not None:
            yield directory.entry
            directory.entry = None
