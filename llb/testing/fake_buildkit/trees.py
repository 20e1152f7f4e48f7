"""File trees in memory that can be read like a daemon's, with the daemon's errors."""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from llb import Directory, File, Symlink
from llb._pb import fsutil_pb2 as pb
from llb.errors import InvalidValueError, RemoteError
from llb.gocompat import utf8
from llb.gocompat.filemode import to_wire
from llb.gocompat.path import clean
from llb.gocompat.patternmatcher import Patterns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llb.sources.inline_files import Content

# The mount point that appears in a daemon's errors; a real daemon varies the number.
MOUNT = "buildkit-mount0"
_UNKNOWN = 2
_MAX_LINKS = 255


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
        """Whether this is a directory."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        """Whether this is a symbolic link."""
        return stat.S_ISLNK(self.mode)


DIRECTORY = Node(stat.S_IFDIR | 0o755)


@frozen(repr=False)
class Tree:
    """Nodes by absolute clean paths, including the root.

    Reading raises RemoteError with BuildKit's messages, which call the root of the tree
    ``/tmp/buildkit-mount0``.
    """

    nodes: Mapping[str, Node]

    @classmethod
    def of(cls, files: Mapping[str, Content]) -> Tree:
        """Create a tree from files as :func:`llb.files` takes them; owners must be numeric.

        Raises InvalidValueError for a path outside the tree or an owner that is a name.
        """
        nodes = {"/": DIRECTORY}
        for path, content in files.items():
            absolute = clean(f"/{path}")
            if absolute == "/" or ".." in path.split("/"):
                raise InvalidValueError(f"invalid path {path!r}: expected a path below the root")
            for parent in parents(absolute):
                nodes.setdefault(parent, DIRECTORY)
            nodes[absolute] = _node(path, content)
        return cls(nodes)

    @property
    def files(self) -> dict[str, bytes]:
        """The contents of the regular files, by paths relative to the root."""
        return {
            path[1:]: self.nodes[path].data
            for path in sorted(self.nodes)
            if stat.S_ISREG(self.nodes[path].mode)
        }

    def with_nodes(self, nodes: Mapping[str, Node]) -> Tree:
        """Copy the tree and add or replace nodes."""
        merged = dict(self.nodes)
        for path, node in nodes.items():
            old = merged.get(path)
            if old is not None and old.is_directory and not node.is_directory:
                merged = {key: kept for key, kept in merged.items() if not is_below(key, path)}
            merged[path] = node
        return Tree(merged)

    def without(self, path: str) -> Tree:
        """Copy the tree without the node at a path and everything below it."""
        matching = (key for key in self.nodes if key == path or is_below(key, path))
        removed = frozenset(matching)
        return Tree({key: node for key, node in self.nodes.items() if key not in removed})

    def resolve(self, path: str, shown: str | None = None) -> str:
        """Resolve the symbolic links of a path, with the tree as the root file system.

        Errors name the path ``shown``, or the part of the path that is at fault.
        """
        parts, current, links = path.split("/"), "", 0
        while parts:
            name = parts.pop(0)
            if name in ("", "."):
                continue
            if name == "..":
                current = current.rpartition("/")[0]
                continue
            parent = self.nodes.get(current or "/")
            if parent is not None and not parent.is_directory:
                fault = shown or mounted(f"{current}/{name}")
                raise _error(f"lstat {fault}: not a directory")
            node = self.nodes.get(f"{current}/{name}")
            if node is None or not node.is_link:
                current = f"{current}/{name}"
                continue
            links += 1
            if links > _MAX_LINKS:
                raise _error("too many links")
            parts = node.target.split("/") + parts
            current = "" if node.target.startswith("/") else current
        return current or "/"

    def read(self, path: str, byte_range: slice = slice(None)) -> bytes:
        """Read a file, or a range of it."""
        node = self.nodes.get(self.resolve(path, shown=path))
        if node is None:
            raise _missing("open", path)
        if not stat.S_ISREG(node.mode):
            raise _error(f"open {path}: not a regular file")
        return node.data[byte_range]

    def stat(self, path: str) -> pb.Stat:
        """Describe a file under its base name."""
        resolved = self.resolve(path)
        node = self.nodes.get(resolved)
        if node is None:
            raise _missing("lstat", path)
        return describe(posixpath.basename(resolved) or MOUNT, node)

    def list(self, path: str, pattern: str = "") -> Iterator[pb.Stat]:
        """List a directory by name; ``pattern`` selects entries that match or contain a match."""
        resolved = self.resolve(path)
        node = self.nodes.get(resolved)
        if node is None:
            ancestors = reversed((*parents(resolved), "/"))
            first = next((key for key in (*ancestors, resolved) if key not in self.nodes), resolved)
            raise _error(f"resolve : lstat {mounted(first)}: no such file or directory")
        if not node.is_directory:
            raise _error(f"stat {mounted(resolved)}: not a directory")
        start = "/" if resolved == "/" else f"{resolved}/"
        below = {key.removeprefix(start): key for key in self.nodes if is_below(key, resolved)}
        for name in sorted({entry.partition("/")[0] for entry in _matching(below, pattern)}):
            yield describe(name, self.nodes[below[name]])

    def __repr__(self) -> str:
        """Show the number of nodes."""
        return f"<Tree of {len(self.nodes) - 1} files>"


def describe(path: str, node: Node) -> pb.Stat:
    """Encode a node as an fsutil message."""
    return pb.Stat(
        path=utf8.encode(path),
        mode=to_wire(node.mode),
        uid=node.uid,
        gid=node.gid,
        size=len(node.target if node.is_link else node.data),
        modTime=node.modified,
        linkname=utf8.encode(node.target),
    )


def parents(path: str) -> Iterator[str]:
    """Yield the directories above an absolute path, nearest first, without the root."""
    while (path := posixpath.dirname(path)) != "/":
        yield path


def is_below(path: str, folder: str) -> bool:
    """Check whether an absolute path is in a directory, at any depth."""
    return path != "/" if folder == "/" else path.startswith(f"{folder}/")


def mounted(path: str) -> str:
    """Format a path as it appears in errors of a daemon."""
    return f"/tmp/{MOUNT}{path}"  # noqa: S108 - only shown


def _node(path: str, content: Content) -> Node:
    match content:
        case Directory():
            return _with_owner(
                evolve(DIRECTORY, mode=stat.S_IFDIR | content.mode), path, content.owner
            )
        case Symlink():
            return Node(stat.S_IFLNK | 0o777, target=content.target)
        case File():
            data = content.data.encode() if isinstance(content.data, str) else content.data
            return _with_owner(Node(stat.S_IFREG | content.mode, data), path, content.owner)
        case str():
            return Node(stat.S_IFREG | 0o644, content.encode())
        case bytes():
            return Node(stat.S_IFREG | 0o644, content)
    raise InvalidValueError(
        f"invalid content of {path!r}: expected bytes, str, File, Directory or Symlink"
    )


def _with_owner(node: Node, path: str, owner: str | None) -> Node:
    if owner is None:
        return node
    user, _, group = owner.partition(":")
    if not (user.isdigit() and (group or user).isdigit()):
        raise InvalidValueError(
            f"invalid owner {owner!r} of {path!r}: expected numbers such as 1:2"
        )
    return evolve(node, uid=int(user), gid=int(group or user))


def _matching(below: Mapping[str, str], pattern: str) -> Iterator[str]:
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
