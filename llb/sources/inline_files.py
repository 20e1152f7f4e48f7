"""File trees given in memory, as a source like any other."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, TypeAlias, Unpack

from attrs import field, frozen

from llb.errors import InvalidValueError
from llb.gocompat.path import clean
from llb.state import file_actions
from llb.state.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from llb.ops import nodes as ops
    from llb.state.step_options import StepOptions


@frozen
class File:
    """A file with more than its content: ``mode``, and ``owner`` as ``user[:group]``."""

    data: bytes | str = field(repr=False)
    mode: int = 0o644
    owner: str | None = None


@frozen
class Directory:
    """A directory with a mode or an owner of its own, or without anything in it."""

    mode: int = 0o755
    owner: str | None = None


@frozen
class Symlink:
    """A symbolic link to ``target``, which is taken as it is."""

    target: str


Content: TypeAlias = bytes | str | File | Directory | Symlink


def files(
    tree: Mapping[str, Content],
    *,
    created: datetime | None = None,
    **options: Unpack[StepOptions],
) -> State:
    """Return the tree of these files: paths and what is there.

    Text is written as UTF-8. Directories above a file are made by themselves. ``created``
    is the time that all of them get. The order of the mapping does not matter. Raises
    InvalidValueError for a path that leads out of the tree or that is given twice.

    >>> from llb import File, Image, files
    >>> config = files({"etc/app.conf": "port = 80", "bin/app": File(b"...", mode=0o755)})
    >>> Image("alpine").copy(config, "/")
    <State after FileOp>
    """
    contents = _with_parents(tree)
    if not contents:
        return State()
    actions = (_action(path, contents[path], created) for path in sorted(contents, key=_by_parts))
    return State().file(*actions, **options)


def _with_parents(tree: Mapping[str, Content]) -> dict[str, Content]:
    """Return the tree by clean absolute paths, with the directories that are not named."""
    contents: dict[str, Content] = {}
    for written, content in tree.items():
        path = clean(f"/{written}")
        if not written or ".." in written.split("/") or "\0" in written or path == "/":
            raise InvalidValueError(
                f"invalid path {written!r} in files(): expected one below the root of the tree"
            )
        if path in contents:
            raise InvalidValueError(f"the path {path} is given twice in files()")
        contents[path] = content
    for path in tuple(contents):
        for above in _above(path):
            if not isinstance(contents.setdefault(above, Directory()), Directory):
                raise InvalidValueError(
                    f"the path {above} is given as a file in files(), and {path} is below it"
                )
    return contents


def _above(path: str) -> Iterator[str]:
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
    raise InvalidValueError(
        f"invalid content of {path} in files(): expected bytes, text, File, Directory or Symlink"
    )
