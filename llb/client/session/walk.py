"""Walk a directory in the order of BuildKit's file transfer, filtered by patterns.

Order and filter are those of ``fsutil``: names are sorted by their bytes, a directory comes before
its entries; files are selected by include patterns, exclude patterns, and paths that are followed
through symbolic links.
"""

from __future__ import annotations

import os
import stat
from bisect import bisect_left
from typing import TYPE_CHECKING

from attrs import frozen, mutable

from llb.client.session.follow import add_followed_paths
from llb.errors import InputError
from llb.gocompat.patternmatcher import Patterns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.client.session.root import TreeReader

_PATTERN_CHARACTERS = frozenset("*[]?^\\")


@frozen
class Entry:
    """A file of the walk: its path relative to the root, and its lstat(2) result."""

    path: str
    status: os.stat_result


@frozen
class Filter:
    """The patterns that select the files of a walk; without patterns, all files."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    follow: tuple[str, ...] = ()


def walk(tree: TreeReader, selection: Filter) -> Iterator[Entry]:
    """Yield the selected files below a root, in transfer order.

    A directory that is not selected itself still comes before the selected files in it.
    Files that vanish meanwhile are left out. Raises InvalidValueError for a malformed
    pattern, and the iterator raises InputError for unreadable files.
    """
    include: tuple[str, ...] | None = selection.include
    if selection.follow:
        include = add_followed_paths(tree, selection.include, selection.follow)
    included = Patterns.compile(include) if include else None
    excluded = Patterns.compile(selection.exclude) if selection.exclude else None
    return _Walk(
        tree=tree,
        include=included,
        exclude=excluded,
        included_below=_Prefixes.of(included, exclusions=False),
        kept_below=_Prefixes.of(excluded, exclusions=True),
    ).run()


@frozen
class _Match:
    """The match result of a file, and which patterns match it, for the entries below it."""

    is_included: bool = True
    is_excluded: bool = False
    included_by: frozenset[int] | None = None
    excluded_by: frozenset[int] | None = None

    @property
    def is_selected(self) -> bool:
        return self.is_included and not self.is_excluded


@mutable
class _Directory:
    """A directory on the stack of the walk."""

    path: str
    entry: Entry | None
    pending: Iterator[str]
    match: _Match


@frozen
class _Walk:
    tree: TreeReader
    include: Patterns | None
    exclude: Patterns | None
    # What the patterns may select below a directory that is not included, or excluded.
    included_below: _Prefixes
    kept_below: _Prefixes

    def run(self) -> Iterator[Entry]:
        # The entry of an unselected directory is pending until something in it is yielded.
        stack = [_Directory("", None, self._names("", lenient=False), _Match())]
        while stack:
            name = next(stack[-1].pending, None)
            if name is None:
                stack.pop()
                continue
            path = f"{stack[-1].path}/{name}" if stack[-1].path else name
            try:
                status = self.tree.status(stack[-1].path, name)
            except (FileNotFoundError, NotADirectoryError):
                # It was removed a moment ago, or its directory was replaced by a file.
                continue
            entry = Entry(path, status)
            match = self._match_patterns(path, stack[-1].match)
            if match.is_selected:
                yield from _pending_parents(stack)
                yield entry
            if stat.S_ISDIR(status.st_mode) and (
                match.is_selected or self._may_contain(path, match)
            ):
                pending_entry = None if match.is_selected else entry
                names = self._names(path, lenient=not match.is_selected)
                stack.append(_Directory(path, pending_entry, names, match))

    def _names(self, path: str, *, lenient: bool) -> Iterator[str]:
        """List the names in a directory in order; raises InputError.

        With ``lenient``, a directory without read permission counts as empty.
        """
        try:
            return iter(sorted(self.tree.names(path), key=os.fsencode))
        except (FileNotFoundError, NotADirectoryError):
            return iter(())
        except OSError as error:
            if lenient and isinstance(error, PermissionError):
                return iter(())
            location = f"{self.tree.root.path}/{path}".rstrip("/")
            raise InputError(f"cannot read the directory {location}: {error.strerror}") from error

    def _match_patterns(self, path: str, parent: _Match) -> _Match:
        is_included, is_excluded = True, False
        included_by = excluded_by = None
        if self.include is not None:
            is_included, included_by = self.include.match_below(path, parent.included_by)
        if self.exclude is not None:
            is_excluded, excluded_by = self.exclude.match_below(path, parent.excluded_by)
        return _Match(is_included, is_excluded, included_by, excluded_by)

    def _may_contain(self, path: str, match: _Match) -> bool:
        """Check whether anything below an unselected directory could be selected."""
        if not match.is_included and not self.included_below.could_include(path):
            return False
        return not match.is_excluded or self.kept_below.could_include(path)


@frozen
class _Prefixes:
    """The texts with which the paths that some patterns match begin.

    ``any_path`` is whether one of the patterns may match any path; the texts end with a slash, and
    are sorted.
    """

    any_path: bool
    texts: tuple[str, ...]

    @classmethod
    def of(cls, patterns: Patterns | None, *, exclusions: bool) -> _Prefixes:
        """Collect the prefixes of the patterns with or without ``!``."""
        known = () if patterns is None else patterns.patterns
        prefixes = [pattern.prefix for pattern in known if pattern.exclusion == exclusions]
        return cls(
            any_path=not all(map(_PATTERN_CHARACTERS.isdisjoint, prefixes)),
            texts=tuple(sorted(f"{prefix}/" for prefix in prefixes)),
        )

    def could_include(self, path: str) -> bool:
        """Check whether a pattern may match below ``path``."""
        start = f"{path}/"
        index = bisect_left(self.texts, start)
        return self.any_path or (index < len(self.texts) and self.texts[index].startswith(start))


def _pending_parents(stack: list[_Directory]) -> Iterator[Entry]:
    for directory in stack:
        if directory.entry is not None:
            yield directory.entry
            directory.entry = None
