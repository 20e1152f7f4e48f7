"""Merge a finished tree into an existing directory.

Trees may be deeper than Python's limit of recursion, have directories that their owner may not
write, and have mounts below them. All functions raise OSError.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llb.local_files.attributes import make_named_pipe
from llb.local_files.staging import PREFIX, new_name
from llb.local_files.trees import entries_of, is_real_directory, make_writable, remove

if TYPE_CHECKING:
    from collections.abc import Iterator


def merge(source: str, destination: str) -> None:
    """Move everything in a directory into another one, replacing files that exist there.

    Directories that exist on both sides are merged, and get the attributes of those in the source.
    """
    pending = [(source, destination)]
    merged: list[tuple[str, os.stat_result]] = []
    try:
        while pending:
            folder, target = pending.pop()
            if folder != source:
                merged.append((target, os.lstat(folder)))
                shutil.copystat(folder, target)
                make_writable(folder)
                make_writable(target)
            pending += [
                (entry.path, os.path.join(target, entry.name))  # noqa: PTH118 - many strings
                for entry in entries_of(folder)
                if not _move(entry, target)
            ]
    finally:
        # Moving files changes the time of their directory, so this comes last, innermost first.
        for target, status in reversed(merged):
            os.chmod(target, stat.S_IMODE(status.st_mode))  # noqa: PTH101
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def remove_others(source: str, destination: str) -> None:
    """Remove what exists in a directory but not in the source, except incomplete results."""
    pending = [(source, destination)]
    while pending:
        folder, target = pending.pop()
        for entry in entries_of(target):
            counterpart = os.path.join(folder, entry.name)  # noqa: PTH118
            if entry.name.startswith(PREFIX):
                continue
            if is_real_directory(entry.path) and is_real_directory(counterpart):
                pending.append((counterpart, entry.path))
            elif not os.path.lexists(counterpart):
                if target != destination:
                    make_writable(target)
                remove(entry.path)


def _move(entry: os.DirEntry[str], folder: str) -> bool:
    """Move a file or directory into a folder; return whether it need not be merged."""
    target = os.path.join(folder, entry.name)  # noqa: PTH118
    is_directory = entry.is_dir(follow_symlinks=False)
    if is_directory and is_real_directory(target):
        return False
    # Only a file replaces a file, and a directory nothing.
    if os.path.lexists(target) and (is_directory or is_real_directory(target)):
        remove(target)
    try:
        with _writable(entry.path if is_directory else None, target):
            os.replace(entry.path, target)  # noqa: PTH105
    except OSError as error:
        # There is a mount below the destination.
        if error.errno != errno.EXDEV:
            raise
        if is_directory:
            os.mkdir(target)  # noqa: PTH102
            return False
        _copy(entry.path, target)
    return True


def _copy(source: str, target: str) -> None:
    """Copy a file to another file system, under a temporary name until it is complete."""
    staging = os.path.join(os.path.dirname(target), new_name())  # noqa: PTH118, PTH120
    try:
        if stat.S_ISFIFO(os.lstat(source).st_mode):
            make_named_pipe(staging)
            shutil.copystat(source, staging)
        else:
            shutil.copy2(source, staging, follow_symlinks=False)
        os.replace(staging, target)  # noqa: PTH105
    finally:
        if os.path.lexists(staging):
            os.unlink(staging)  # noqa: PTH108


@contextmanager
def _writable(folder: str | None, moved: str) -> Iterator[None]:
    """Let the owner write to a directory while it moves, which changes its entry for the parent."""
    mode = None if folder is None else make_writable(folder)
    try:
        yield
    finally:
        if mode is not None and folder is not None:
            os.chmod(moved if os.path.lexists(moved) else folder, mode)  # noqa: PTH101
