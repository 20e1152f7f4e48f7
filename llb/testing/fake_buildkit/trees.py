"""Trees of files in memory, which answer as the daemon's do, in its words."""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from llb import Directory, File, Symlink
from llb._pb import fsutil_pb2 as pb
from llb.errors import InvalidValueError, RemoteError
from llb.gocompat.filemode import to_wire
from llb.gocompat.path import clean
from llb.gocompat.patternmatcher import Patterns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llb.sources.inline_files import Content

# Where a daemon mounts what it reads, as far as its errors tell; the number is never the same.
MOUNT = "buildkit-mount0"
_UNKNOWN = 2
_MOST_LINKS = 255


@frozen
class Node:
    """A file, directory or symbolic link: ``mode`` is that of stat(2), ``modified`` in ns."""

    mode: int
    data: bytes = b""
    uid: int = 0
    gid: int = 0
    modified: int = 0
    target: str = ""

    @property
    def is_directory(self) -> bool:
        """Whether there may be something in it."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        """Whether it stands for what is at its target."""
        return stat.S_ISLNK(self.mode)


DIRECTORY = Node(stat.S_IFDIR | 0o755)


@frozen(repr=False)
class Tree:
    """Nodes by absolute clean paths, the root among them.

    Reading raises RemoteError with the texts of BuildKit, where ``/tmp/buildkit-mount0`` is
    the root of the tree.
    """

    nodes: Mapping[str, Node]

    @classmethod
    def of(cls, files: Mapping[str, Content]) -> Tree:
        """Return the tree of files as :func:`llb.files` takes them; owners are of numbers.

        Raises InvalidValueError for a path that leads nowhere or an owner that is a name.
        """
        nodes = {"/": DIRECTORY}
        for path, content in files.items():
            place = clean(f"/{path}")
            if place == "/" or ".." in path.split("/"):
                raise InvalidValueError(f"invalid path {path!r}: expected one below the root")
            for above in parents(place):
                nodes.setdefault(above, DIRECTORY)
            nodes[place] = _node(path, content)
        return cls(nodes)

    @property
    def files(self) -> dict[str, bytes]:
        """The contents of its regular files, by paths relative to the root."""
        return {
            path[1:]: self.nodes[path].data
            for path in sorted(self.nodes)
            if stat.S_ISREG(self.nodes[path].mode)
        }

    def with_nodes(self, nodes: Mapping[str, Node]) -> Tree:
        """Return the tree with these nodes as well, in place of what was at their paths."""
        kept = dict(self.nodes)
        for path, node in nodes.items():
            old = kept.get(path)
            if old is not None and old.is_directory and not node.is_directory:
                kept = {key: each for key, each in kept.items() if not is_below(key, path)}
            kept[path] = node
        return Tree(kept)

    def without(self, path: str) -> Tree:
        """Return the tree without what is at a path, and below it."""
        gone = (key for key in self.nodes if key == path or is_below(key, path))
        names = frozenset(gone)
        return Tree({key: node for key, node in self.nodes.items() if key not in names})

    def resolve(self, path: str) -> str:
        """Return the absolute path without links, as if the root were that of a system."""
        left, at, links = path.split("/"), "", 0
        while left:
            name = left.pop(0)
            if name in ("", "."):
                continue
            if name == "..":
                at = at.rpartition("/")[0]
                continue
            above = self.nodes.get(at or "/")
            if above is not None and not above.is_directory:
                raise _error(f"lstat {mounted(f'{at}/{name}')}: not a directory")
            node = self.nodes.get(f"{at}/{name}")
            if node is None or not node.is_link:
                at = f"{at}/{name}"
                continue
            links += 1
            if links > _MOST_LINKS:
                raise _error("too many links")
            left = node.target.split("/") + left
            at = "" if node.target.startswith("/") else at
        return at or "/"

    def read(self, path: str, part: slice = slice(None)) -> bytes:
        """Return the bytes of a file, or a part of them."""
        node = self.nodes.get(self.resolve(path))
        if node is None:
            raise _missing("open", path)
        if not stat.S_ISREG(node.mode):
            raise _error(f"{path} is not a regular file")
        return node.data[part]

    def stat(self, path: str) -> pb.Stat:
        """Return what is known of a file, under its own name."""
        place = self.resolve(path)
        node = self.nodes.get(place)
        if node is None:
            raise _missing("lstat", path)
        return describe(posixpath.basename(place) or MOUNT, node)

    def list(self, path: str, pattern: str = "") -> Iterator[pb.Stat]:
        """Yield what is in a directory, by name; with ``pattern`` what matches or holds a match."""
        place = self.resolve(path)
        node = self.nodes.get(place)
        if node is None:
            above = reversed((*parents(place), "/"))
            first = next((each for each in (*above, place) if each not in self.nodes), place)
            raise _error(f"resolve : lstat {mounted(first)}: no such file or directory")
        if not node.is_directory:
            raise _error(f"stat {mounted(place)}: not a directory")
        start = "/" if place == "/" else f"{place}/"
        below = {key.removeprefix(start): key for key in self.nodes if is_below(key, place)}
        for name in sorted({each.partition("/")[0] for each in _matched(below, pattern)}):
            yield describe(name, self.nodes[below[name]])

    def __repr__(self) -> str:
        """Return how much there is in it."""
        return f"<Tree of {len(self.nodes) - 1} files>"


def describe(path: str, node: Node) -> pb.Stat:
    """Return a node as messages have it."""
    return pb.Stat(
        path=path,
        mode=to_wire(node.mode),
        uid=node.uid,
        gid=node.gid,
        size=len(node.target if node.is_link else node.data),
        modTime=node.modified,
        linkname=node.target,
    )


def parents(path: str) -> Iterator[str]:
    """Yield the directories above an absolute path, nearest first, but for the root."""
    while (path := posixpath.dirname(path)) != "/":
        yield path


def is_below(path: str, folder: str) -> bool:
    """Return whether an absolute path is in a directory, however deep."""
    return path != "/" if folder == "/" else path.startswith(f"{folder}/")


def mounted(path: str) -> str:
    """Return a path as errors of a daemon have it."""
    return f"/tmp/{MOUNT}{path}"  # noqa: S108 - it is text


def _node(path: str, content: Content) -> Node:
    match content:
        case Directory():
            return _owned(evolve(DIRECTORY, mode=stat.S_IFDIR | content.mode), path, content.owner)
        case Symlink():
            return Node(stat.S_IFLNK | 0o777, target=content.target)
        case File():
            data = content.data.encode() if isinstance(content.data, str) else content.data
            return _owned(Node(stat.S_IFREG | content.mode, data), path, content.owner)
        case str():
            return Node(stat.S_IFREG | 0o644, content.encode())
        case bytes():
            return Node(stat.S_IFREG | 0o644, content)
    raise InvalidValueError(
        f"invalid content of {path!r}: expected bytes, text, File, Directory or Symlink"
    )


def _owned(node: Node, path: str, owner: str | None) -> Node:
    if owner is None:
        return node
    user, _, group = owner.partition(":")
    if not (user.isdigit() and (group or user).isdigit()):
        raise InvalidValueError(f"invalid owner {owner!r} of {path!r}: expected numbers, as 1:2")
    return evolve(node, uid=int(user), gid=int(group or user))


def _matched(below: Mapping[str, str], pattern: str) -> Iterator[str]:
    if not pattern:
        yield from below
        return
    try:
        patterns = Patterns.compile([pattern])
    except InvalidValueError as error:
        raise _error(f"invalid includepatterns: [{pattern}]: syntax error in pattern") from error
    yield from filter(patterns.matches, below)


def _missing(call: str, path: str) -> RemoteError:
    return _error(f"{call} {path}: no such file or directory")


def _error(message: str) -> RemoteError:
    return RemoteError(message, code=_UNKNOWN)
