"""Inline files: a file tree from contents in memory."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, TypeAlias, Unpack, assert_never

from attrs import field, frozen

from llb.arguments.checked import checked, checked_init
from llb.errors import InvalidValueError
from llb.gocompat.path import clean
from llb.state import file_actions
from llb.state.state import State
from llb.state.step_options import StepOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from llb.ops import nodes as ops


@checked_init
@frozen
class File:
    """A file with a mode, and an owner as ``user[:group]``; a string is encoded as UTF-8."""

    data: bytes | str = field(repr=False)
    mode: int = 0o644
    owner: str | None = None


@checked_init
@frozen
class Directory:
    """A directory with a mode or an owner, or an empty directory."""

    mode: int = 0o755
    owner: str | None = None


@checked_init
@frozen
class Symlink:
    """A symbolic link to ``target``, which is used as it is."""

    target: str


Content: TypeAlias = bytes | str | File | Directory | Symlink


@checked(options=StepOptions)
def files(
    tree: Mapping[str, Content],
    *,
    created: datetime | None = None,
    **options: Unpack[StepOptions],
) -> State:
    """Create a tree from a mapping of paths to contents.

    Strings are encoded as UTF-8. Missing parent directories are created. ``created`` is the
    modification time of every entry, with a time zone. The order of the mapping does not matter.
    Raises InvalidValueError for a path that leaves the tree, and for duplicate paths.

    >>> from llb import File, Image, files
    >>> config = files({"etc/app.conf": "port = 80", "bin/app": File(b"...", mode=0o755)})
    >>> Image("alpine").copy(config, "/")
    <State after FileOp>
    """
    contents = with_parents(tree)
    if not contents:
        return State()
    actions = (_action(path, contents[path], created) for path in sorted(contents, key=_by_parts))
    return State().file(*actions, **options)


def with_parents(tree: Mapping[str, Content], label: str = "files()") -> dict[str, Content]:
    """Normalize the paths to absolute ones, and add missing parent directories.

    Raises InvalidValueError for a path that leaves the tree, and for duplicate paths.
    """
    contents: dict[str, Content] = {}
    for raw_path, content in tree.items():
        path = clean(f"/{raw_path}")
        if not raw_path or ".." in raw_path.split("/") or "\0" in raw_path or path == "/":
            raise InvalidValueError(
                f"invalid path {raw_path!r} in {label}: expected a path below the root of the tree"
            )
        if path in contents:
            raise InvalidValueError(f"duplicate path {path} in {label}")
        contents[path] = content
    for path in tuple(contents):
        for parent in _parents_of(path):
            if not isinstance(contents.setdefault(parent, Directory()), Directory):
                raise InvalidValueError(
                    f"path {parent} in {label} is a file, but {path} is below it"
                )
    return contents


def _parents_of(path: str) -> Iterator[str]:
    while (path := posixpath.dirname(path)) != "/":
        yield path


def _by_parts(path: str) -> list[str]:
    return path.split("/")


def _action(path: str, content: Content, created: datetime | None) -> ops.FileAction:
    match content:
        case Directory():
            return file_actions.mkdir(path, mode=content.mode, owner=content.owner, created=created)
        case Symlink():
            return file_actions.symlink(content.target, path, created=created)
        case File():
            return file_actions.mkfile(
                path, content.data, mode=content.mode, owner=content.owner, created=created
            )
        case bytes() | str():
            return file_actions.mkfile(path, content, created=created)
        case _:
            assert_never(content)
