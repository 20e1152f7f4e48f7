"""Changes to a tree that need no process: copy, mkdir, mkfile, rm and symlink.

Each function returns a value for ``state.file(...)``, which puts several into
one step; the methods of the same names on State make a step each.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypedDict, Unpack, assert_never

from attrs import evolve

from llb.errors import InvalidValueError
from llb.gocompat.path import absolute, check_mode, clean, is_symbolic_mode, join
from llb.ops import nodes as ops

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_ID = re.compile(r"[+-]?[0-9]+\Z")
_MAX_ID = 2**31 - 1


class CopyOptions(TypedDict, total=False):
    """The options of :func:`copy`, with what they are when they are not given.

    ``src`` (``/``): what to copy. ``owner``: ``user[:group]``, names or
    numbers. ``mode``: a number, or a symbolic mode as chmod(1) takes it.
    ``created``: the time that the copies get. ``include`` and ``exclude``:
    patterns in the manner of .dockerignore. ``required``: paths that must exist.
    ``follow_symlinks`` (off): copy what a link points to. ``contents_only`` (on):
    copy what is in a directory, not the directory. ``unpack`` (off): extract
    archives. ``create_dest_path`` (on): make missing parents. ``wildcard`` (on):
    the last component of ``src`` may hold ``*``, ``?`` and ``[...]``.
    ``allow_empty_wildcard`` (off): nothing may match. ``replace`` (off):
    overwrite a destination of another kind.
    """

    src: str
    owner: str | None
    mode: int | str | None
    created: datetime | None
    include: Iterable[str]
    exclude: Iterable[str]
    required: Iterable[str]
    follow_symlinks: bool
    contents_only: bool
    unpack: bool
    create_dest_path: bool
    wildcard: bool
    allow_empty_wildcard: bool
    replace: bool


def copy(source: ops.Tree, dest: str, **options: Unpack[CopyOptions]) -> ops.CopyAction:
    """Copy from ``source`` to ``dest``, as :class:`CopyOptions` say.

    A ``dest`` that ends in ``/`` is a directory, and a file keeps its name there.
    """
    src = clean(_not_empty(options.get("src", "/")))
    mode = options.get("mode")
    return ops.CopyAction(
        source=source.output,
        src=join("/" if src.startswith("/") else source.cwd, src),
        dest=_not_empty(dest),
        owner=parse_owner(options.get("owner")),
        mode=_mode(mode),
        timestamp=_nanoseconds(options.get("created")),
        follow_symlinks=options.get("follow_symlinks", False),
        copy_dir_contents_only=options.get("contents_only", True),
        attempt_unpack=options.get("unpack", False),
        create_dest_path=options.get("create_dest_path", True),
        allow_wildcard=options.get("wildcard", True),
        allow_empty_wildcard=options.get("allow_empty_wildcard", False),
        include_patterns=tuple(options.get("include", ())),
        exclude_patterns=tuple(options.get("exclude", ())),
        required_paths=tuple(options.get("required", ())),
        always_replace_existing_dest_paths=options.get("replace", False),
    )


def mkdir(
    path: str,
    *,
    mode: int = 0o755,
    parents: bool = False,
    owner: str | None = None,
    created: datetime | None = None,
) -> ops.MkdirAction:
    """Make the directory ``path``, with missing ``parents`` if asked."""
    return ops.MkdirAction(
        path=_not_empty(path),
        mode=check_mode(mode) & 0o777,
        make_parents=parents,
        owner=parse_owner(owner),
        timestamp=_nanoseconds(created),
    )


def mkfile(
    path: str,
    data: bytes | str,
    *,
    mode: int = 0o644,
    owner: str | None = None,
    created: datetime | None = None,
) -> ops.MkfileAction:
    """Write ``data`` to the file ``path``; text is written as UTF-8."""
    return ops.MkfileAction(
        path=_not_empty(path),
        mode=check_mode(mode) & 0o777,
        data=data.encode() if isinstance(data, str) else bytes(data),
        owner=parse_owner(owner),
        timestamp=_nanoseconds(created),
    )


def rm(path: str, *, allow_not_found: bool = False, wildcard: bool = False) -> ops.RmAction:
    """Remove ``path`` and all below; with ``wildcard`` whatever it matches."""
    return ops.RmAction(
        path=_not_empty(path), allow_not_found=allow_not_found, allow_wildcard=wildcard
    )


def symlink(
    oldpath: str, newpath: str, *, owner: str | None = None, created: datetime | None = None
) -> ops.SymlinkAction:
    """Make ``newpath`` a symbolic link to ``oldpath``; both are taken as they are."""
    return ops.SymlinkAction(
        oldpath=_not_empty(oldpath),
        newpath=_not_empty(newpath),
        owner=parse_owner(owner),
        timestamp=_nanoseconds(created),
    )


def bound(action: ops.FileAction, workdir: str) -> ops.FileAction:
    """Return the action with relative paths taken from ``workdir``.

    The target of a symbolic link and its own path stay as they are, as in Go.
    """
    match action:
        case ops.CopyAction():
            dest = absolute(workdir, action.dest, keep_slash=True)
            return action if dest == action.dest else evolve(action, dest=dest)
        case ops.MkdirAction() | ops.MkfileAction() | ops.RmAction():
            path = absolute(workdir, action.path)
            return action if path == action.path else evolve(action, path=path)
        case ops.SymlinkAction():
            return action
        case _:
            assert_never(action)


def parse_owner(text: str | None) -> ops.Owner | None:
    """Return the owner that ``user[:group]`` names; numbers and ``root`` are ids.

    Raises InvalidValueError.
    """
    if text is None:
        return None
    user, colon, group = text.partition(":")
    if not user or (colon and not group):
        raise InvalidValueError(f"invalid owner {text!r}: expected user or user:group")
    return ops.Owner(user=_user(user), group=_user(group) if colon else None)


def _mode(mode: int | str | None) -> int | str | None:
    if isinstance(mode, str):
        if not is_symbolic_mode(mode):
            raise InvalidValueError(
                f"invalid mode {mode!r}: expected a number or a symbolic mode",
                hint="for example 0o755 or 'u=rwX,go-w'",
            )
        return mode
    return None if mode is None else check_mode(mode)


def _user(word: str) -> ops.User:
    if word == "root":
        return ops.User(id=0)
    # As Go reads them: what fits no signed number of 32 bits is a name, and a negative
    # number counts from the end.
    if _ID.match(word) and -_MAX_ID - 1 <= int(word) <= _MAX_ID:
        return ops.User(id=int(word) % 2**32)
    return ops.User(name=word)


def _nanoseconds(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise InvalidValueError(
            f"invalid time {moment.isoformat()}: it has no time zone",
            hint="for example datetime(2024, 1, 1, tzinfo=timezone.utc)",
        )
    # Whole seconds and microseconds apart, because a float has too few digits.
    seconds = int(moment.replace(microsecond=0).timestamp())
    return seconds * 1_000_000_000 + moment.microsecond * 1_000


def _not_empty(path: str) -> str:
    if not path or "\0" in path:
        raise InvalidValueError(f"invalid path {path!r}: expected a path")
    return path
