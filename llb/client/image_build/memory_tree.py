"""Files in memory as a build context: filtered by their ignore file, and sent as an archive."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llb._lazy import lazy_imports
from llb.errors import InvalidValueError
from llb.sources.http_and_blobs import HTTP
from llb.sources.inline_files import Directory, File, Symlink, with_parents
from llb.state.file_actions import copy
from llb.state.state import State

with lazy_imports(__name__):
    import tarfile  # 6 ms

    from llb.dockerfile.sources import dockerignore  # 95 ms
    from llb.gocompat import patternmatcher  # 4 ms

if TYPE_CHECKING:
    from llb.sources.inline_files import Content

IGNORE = ".dockerignore"
# ZIP archives and Python wheels hold no earlier time. A fixed time gives the same image again.
_MTIME = 315_532_800
_ARCHIVE = "context.tar"


def to_tree(tree: object, label: str) -> dict[str, Content]:
    """Normalize the paths of a mapping, relative to its root. Raises InvalidValueError."""
    if not isinstance(tree, Mapping):
        raise InvalidValueError(f"invalid {label}: expected a mapping of paths to contents")
    contents: dict[str, Any] = {}
    for path, content in tree.items():
        if not isinstance(path, str | os.PathLike):
            raise InvalidValueError(f"invalid path {path!r} in {label}: expected a string")
        if not isinstance(content, bytes | str | File | Directory | Symlink):
            raise InvalidValueError(
                f"invalid content of {path} in {label}: expected bytes, str, File, Directory or "
                "Symlink"
            )
        contents[os.fspath(path)] = content
    return {path[1:]: content for path, content in with_parents(contents, label).items()}


def without_ignored(tree: Mapping[str, Content], dockerfile: str) -> dict[str, Content]:
    """Remove the files that an ignore file in the tree excludes.

    As in BuildKit's frontend, ``<Dockerfile>.dockerignore`` replaces ``.dockerignore``. Raises
    DockerfileError for an invalid pattern.
    """
    name = next((name for name in (f"{dockerfile}{IGNORE}", IGNORE) if name in tree), None)
    if name is None:
        return dict(tree)
    lines = dockerignore.parse_ignore(text_of(tree, name), name)
    patterns = patternmatcher.Patterns.compile(lines)
    kept = {path: content for path, content in tree.items() if not patterns.matches(path)}
    # A directory that is excluded still holds the files that a later pattern includes.
    return {path[1:]: content for path, content in with_parents(kept).items()}


def text_of(tree: Mapping[str, Content], path: str) -> bytes:
    """Read a file of the tree; empty for anything but a file."""
    match tree.get(path):
        case File(data) | (bytes() | str() as data):
            return data.encode() if isinstance(data, str) else data
        case _:
            return b""


def to_archive(tree: Mapping[str, Content]) -> bytes:
    """Write the tree as a tar archive: the same bytes for the same tree."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(tree, key=lambda path: path.split("/")):
            member, data = _member(path, tree[path])
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def unpacked(url: str, name: str) -> State:
    """Create the state with the files of an archive at a URL, compressed or not."""
    source = HTTP(url, filename=_ARCHIVE, name=f"[internal] load {name}", locations=())
    files = copy(source, "/", src=f"/{_ARCHIVE}", unpack=True, contents_only=False, wildcard=False)
    return State().file(files, name=f"[internal] unpack {name}", locations=())


def _member(path: str, content: Content) -> tuple[tarfile.TarInfo, bytes]:
    """Create the entry of a file, with its data. Raises InvalidValueError."""
    member = tarfile.TarInfo(path)
    member.mtime = _MTIME
    data = b""
    match content:
        case Directory(mode, owner):
            member.type = tarfile.DIRTYPE
        case Symlink(target):
            member.type, member.linkname = tarfile.SYMTYPE, target
            mode, owner = 0o777, None
        case File(raw, mode, owner):
            data = raw.encode() if isinstance(raw, str) else raw
        case _:
            data = content.encode() if isinstance(content, str) else content
            mode, owner = 0o644, None
    member.size, member.mode = len(data), mode
    member.uid, member.gid = _ids(path, owner)
    return member, data


def _ids(path: str, owner: str | None) -> tuple[int, int]:
    """Parse ``UID[:GID]``; an archive has no names, because no image knows them."""
    if owner is None:
        return 0, 0
    user, colon, group = owner.partition(":")
    if not user.isdecimal() or (colon and not group.isdecimal()):
        raise InvalidValueError(
            f"invalid owner {owner!r} of {path}: expected numbers such as 1000:1000",
            hint="a build context has no users; name the owner in COPY --chown",
        )
    return int(user), int(group) if colon else int(user)
