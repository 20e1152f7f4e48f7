"""File actions: copy, mkdir, mkfile, rm and symlink, without running a process.

Each function creates an action for ``state.file(...)``, which combines several in one step. The
methods of the same names on State create one step each.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypedDict, Unpack, assert_never

from attrs import evolve

from llb.arguments.checked import checked
from llb.arguments.conversions import StrPath, to_path
from llb.errors import InvalidValueError
from llb.gocompat.path import check_mode, clean, is_symbolic_mode, join
from llb.ops import nodes as ops
from llb.ops.base_images import BasePath, resolve_path

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from llb.ops.tree import Tree

_ID = re.compile(r"[+-]?[0-9]+\Z")
_MAX_ID = 2**31 - 1


class CopyOptions(TypedDict, total=False):
    """The options of :func:`copy`, with their defaults.

    - ``src`` (``/``): the path to copy in the source tree.
    - ``owner`` (unchanged): ``user[:group]``, names or numeric ids.
    - ``mode`` (unchanged): an integer such as ``0o644``, or a symbolic mode for chmod(1).
    - ``created`` (unchanged): the modification time of the copies, with a time zone.
    - ``include``, ``exclude`` (none): patterns of paths to copy or skip, as in .dockerignore.
    - ``required`` (none): paths that must exist.
    - ``follow_symlinks`` (False): copy the target of a symbolic link instead of the link.
    - ``contents_only`` (True): copy the contents of a directory, not the directory itself.
    - ``unpack`` (False): extract archives.
    - ``create_dest_path`` (True): create missing parent directories of the destination.
    - ``wildcard`` (True): the last component of ``src`` may contain ``*``, ``?`` and ``[...]``.
    - ``allow_empty_wildcard`` (False): do not fail if the wildcard matches nothing.
    - ``replace`` (False): overwrite a destination of another type, such as a file by a directory.
    """

    src: StrPath
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


@checked(options=CopyOptions)
def copy(source: Tree, dest: StrPath, **options: Unpack[CopyOptions]) -> ops.CopyAction:
    """Copy a file or directory from another tree to ``dest``.

    The options are :class:`~llb.state.file_actions.CopyOptions`. ``dest`` is relative to the
    working directory of the state that the action is applied to, and a relative ``src`` to that of
    ``source``. A ``dest`` that ends with ``/`` is a directory, in which a file keeps its name.
    Raises InvalidValueError for an empty path or an invalid owner, mode or time.
    """
    src = clean(_not_empty(options.get("src", "/")))
    mode = options.get("mode")
    return ops.CopyAction(
        source=source.output,
        src=join("/", src) if src.startswith("/") else _below(source, src),
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


@checked
def mkdir(
    path: StrPath,
    *,
    mode: int = 0o755,
    parents: bool = False,
    owner: str | None = None,
    created: datetime | None = None,
) -> ops.MkdirAction:
    """Create the directory ``path``.

    ``parents`` also creates missing parent directories. ``owner`` is ``user[:group]``, names or
    numeric ids. ``created`` is the modification time, with a time zone. Only the permission bits of
    ``mode`` are used. Raises InvalidValueError for an invalid argument.
    """
    return ops.MkdirAction(
        path=_not_empty(path),
        mode=check_mode(mode) & 0o777,
        make_parents=parents,
        owner=parse_owner(owner),
        timestamp=_nanoseconds(created),
    )


@checked
def mkfile(
    path: StrPath,
    data: bytes | str,
    *,
    mode: int = 0o644,
    owner: str | None = None,
    created: datetime | None = None,
) -> ops.MkfileAction:
    """Write ``data`` to the file ``path``; a string is encoded as UTF-8.

    ``owner`` is ``user[:group]``, names or numeric ids. ``created`` is the modification time, with
    a time zone. Only the permission bits of ``mode`` are used. Raises InvalidValueError for an
    invalid argument.
    """
    return ops.MkfileAction(
        path=_not_empty(path),
        mode=check_mode(mode) & 0o777,
        data=data.encode() if isinstance(data, str) else bytes(data),
        owner=parse_owner(owner),
        timestamp=_nanoseconds(created),
    )


@checked
def rm(path: StrPath, *, allow_not_found: bool = False, wildcard: bool = False) -> ops.RmAction:
    """Remove the file or directory ``path``, including all contents.

    With ``wildcard``, ``path`` may contain ``*``, ``?`` and ``[...]``. ``allow_not_found`` ignores
    a missing path.
    """
    return ops.RmAction(
        path=_not_empty(path), allow_not_found=allow_not_found, allow_wildcard=wildcard
    )


@checked
def symlink(
    oldpath: StrPath, newpath: StrPath, *, owner: str | None = None, created: datetime | None = None
) -> ops.SymlinkAction:
    """Create the symbolic link ``newpath``, which points to ``oldpath``.

    Both paths are used as they are: neither is resolved against the working directory. ``owner`` is
    ``user[:group]``. ``created`` is the modification time, with a time zone.
    """
    return ops.SymlinkAction(
        oldpath=_not_empty(oldpath),
        newpath=_not_empty(newpath),
        owner=parse_owner(owner),
        timestamp=_nanoseconds(created),
    )


def resolve_all(actions: Iterable[ops.FileAction], workdir: str) -> tuple[ops.FileAction, ...]:
    """Resolve the relative paths of several actions against ``workdir``."""
    return tuple([resolve_paths(action, workdir) for action in actions])


def resolve_paths(action: ops.FileAction, workdir: str) -> ops.FileAction:
    """Resolve the relative paths of an action against ``workdir``.

    The paths of a symbolic link stay as they are, as in Go.
    """
    match action:
        case ops.CopyAction():
            dest = resolve_path(workdir, action.dest, keep_slash=True)
            return action if dest == action.dest else evolve(action, dest=dest)
        case ops.MkdirAction() | ops.MkfileAction() | ops.RmAction():
            path = resolve_path(workdir, action.path)
            return action if path == action.path else evolve(action, path=path)
        case ops.SymlinkAction():
            return action
        case _:
            assert_never(action)


def parse_owner(text: str | None) -> ops.Owner | None:
    """Parse ``user[:group]``; numbers and ``root`` become numeric ids.

    ``user:`` is the same as ``user``, as in Go. Raises InvalidValueError if it is malformed.
    """
    if text is None:
        return None
    user, _, group = text.partition(":")
    if not user:
        raise InvalidValueError(f"invalid owner {text!r}: expected user or user:group")
    return ops.Owner(user=_user(user), group=_user(group) if group else None)


def _below(source: Tree, path: str) -> str:
    cwd = source.settings.process.cwd
    return cwd.child_file(path) if isinstance(cwd, BasePath) else join(cwd, path)


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
    # As in Go: a number beyond 32 signed bits is a name, and a negative number counts
    # down from 2**32.
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
    # Seconds and microseconds are converted separately, because a float has too few digits.
    seconds = int(moment.replace(microsecond=0).timestamp())
    return seconds * 1_000_000_000 + moment.microsecond * 1_000


def _not_empty(path: StrPath) -> str:
    text = to_path(path)
    if not text or "\0" in text:
        raise InvalidValueError(f"invalid path {text!r}: expected a path")
    return text
