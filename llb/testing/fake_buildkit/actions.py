"""Apply file actions to trees in memory."""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING, Any

from attrs import evolve

from llb.errors import RemoteError
from llb.gocompat.path import clean
from llb.gocompat.patternmatcher import matches_glob
from llb.testing.fake_buildkit.archives import unpack
from llb.testing.fake_buildkit.trees import DIRECTORY, Node, Tree, is_below, mounted, parents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_UNKNOWN = 2
# Options of a copy that are not simulated.
_UNSUPPORTED = (
    "include_patterns",
    "exclude_patterns",
    "required_paths",
    "modeStr",
    "alwaysReplaceExistingDestPaths",
)


class NotSimulatedError(Exception):
    """A feature that only a real daemon has; the message names it."""


def apply_action(base: Tree, source: Tree, action: Mapping[str, Any]) -> Tree:
    """Apply an action to ``base``; a copy reads from ``source``.

    ``action`` is a ``pb.FileAction`` as :func:`llb.definition.message_dict.plain` returns it.
    Raises RemoteError with the daemon's message, and NotSimulatedError.
    """
    for kind, function in _ACTIONS.items():
        if kind in action:
            return function(base, source, action[kind])
    raise NotSimulatedError("unknown kind of file action")


def _mkfile(base: Tree, _: Tree, action: Mapping[str, Any]) -> Tree:
    path = _resolve_new(base, action["path"], "open")
    if path == "/":
        raise _error("mkfile /: is a directory")
    old = base.nodes.get(path)
    # A new file is renamed to this path, whatever else is there.
    if old is not None and old.is_directory:
        raise _error(f"rename {clean(action['path'])}: file exists")
    node = Node(stat.S_IFREG | action.get("mode", 0) & 0o7777, action.get("data", b""))
    return base.with_nodes({path: _with_owner(node, action)})


def _mkdir(base: Tree, _: Tree, action: Mapping[str, Any]) -> Tree:
    directory = evolve(DIRECTORY, mode=stat.S_IFDIR | action.get("mode", 0) & 0o7777)
    path = base.resolve(action["path"])
    if not action.get("makeParents"):
        path = _resolve_new(base, action["path"], "mkdir")
    # Existing nodes of any kind stay.
    missing = (node_path for node_path in (path, *parents(path)) if node_path not in base.nodes)
    return base.with_nodes(dict.fromkeys(missing, _with_owner(directory, action)))


def _symlink(base: Tree, _: Tree, action: Mapping[str, Any]) -> Tree:
    path = _resolve_new(base, action["newpath"], "symlink")
    if path in base.nodes:
        raise _error(f"symlink {action['oldpath']} {clean(action['newpath'])}: file exists")
    node = Node(stat.S_IFLNK | 0o777, target=action["oldpath"])
    return base.with_nodes({path: _with_owner(node, action)})


def _rm(base: Tree, _: Tree, action: Mapping[str, Any]) -> Tree:
    paths = list(_matching_paths(base, action["path"], wildcard=action.get("allowWildcard", False)))
    is_pattern = action.get("allowWildcard") and _is_pattern(action["path"])
    if not paths and not is_pattern and not action.get("allowNotFound"):
        raise _error(f"stat {action['path']}: no such file or directory")
    for path in paths:
        base = base.without(path)
    return base


def _copy(base: Tree, source: Tree, action: Mapping[str, Any]) -> Tree:
    unsupported = [name for name in _UNSUPPORTED if action.get(name)]
    if unsupported:
        raise NotSimulatedError(f"copy with {', '.join(unsupported)}")
    src, dest = action["src"], action["dest"]
    paths = list(_matching_paths(source, src, wildcard=action.get("allowWildcard", False)))
    if not paths:
        if action.get("allowEmptyWildcard"):
            return base
        if action.get("allowWildcard") and _is_pattern(src):
            raise _error(f"{src} not found")
        raise _error(
            "failed to compute cache key: failed to calculate checksum of ref "
            f'worker0::source: "{src}": not found'
        )
    for path in paths:
        unpacked = _unpacked(base, source.nodes[path], action)
        base = unpacked or _copy_one(base, source, path, dest, action, several=len(paths) > 1)
    return base


def _unpacked(base: Tree, node: Node, action: Mapping[str, Any]) -> Tree | None:
    """Unpack a node to the destination of a copy; None if the copy does not unpack it."""
    if not action.get("attemptUnpackDockerCompatibility") or not stat.S_ISREG(node.mode):
        return None
    return unpack(base, node.data, base.resolve(action["dest"]))


def _copy_one(
    base: Tree, source: Tree, path: str, dest: str, action: Mapping[str, Any], *, several: bool
) -> Tree:
    if action.get("followSymlink"):
        path = source.resolve(path)
    node = source.nodes[path]
    target = base.resolve(dest)
    existing = base.nodes.get(target)
    is_into = several or dest.endswith("/") or (existing is not None and existing.is_directory)
    contents_only = node.is_directory and action.get("dirCopyContents", False)
    if is_into and not contents_only:
        target = posixpath.join(target, posixpath.basename(path))
    missing = [parent for parent in parents(target) if parent not in base.nodes]
    if missing and not action.get("createDestPath"):
        reason = f"lstat {mounted(missing[-1])}: no such file or directory"
        raise _error(f"failed to stat {dest}: {reason}")
    created = dict.fromkeys(missing, _with_owner(DIRECTORY, action))
    copied = {
        _rebase(node_path, path, target): _with_mode(source.nodes[node_path], action)
        for node_path in source.nodes
        if node_path == path or is_below(node_path, path)
    }
    if contents_only and existing is not None:
        # An existing directory keeps its mode and owner.
        del copied[target]
    return base.with_nodes({**created, **copied})


def _rebase(path: str, old: str, new: str) -> str:
    below = path.removeprefix("/" if old == "/" else old).lstrip("/")
    return posixpath.join(new, below) if below else new


def _with_mode(node: Node, action: Mapping[str, Any]) -> Node:
    mode = action.get("mode", 0)
    if mode >= 0 and not node.is_link:
        node = evolve(node, mode=stat.S_IFMT(node.mode) | mode)
    return _with_owner(node, action)


def _with_owner(node: Node, action: Mapping[str, Any]) -> Node:
    owner = action.get("owner", {})
    user = _number(owner.get("user"))
    group = _number(owner.get("group"))
    modified = max(action.get("timestamp", 0), 0) or node.modified
    if user is None and group is None:
        return evolve(node, modified=modified)
    uid = node.uid if user is None else user
    return evolve(node, uid=uid, gid=uid if group is None else group, modified=modified)


def _number(user: Mapping[str, Any] | None) -> int | None:
    if user is None:
        return None
    if "byName" in user and user["byName"].get("name") != "root":
        raise NotSimulatedError(f"owner {user['byName'].get('name')!r} is not a number")
    return int(user.get("byID", 0))


def _resolve_new(base: Tree, path: str, call: str) -> str:
    """Resolve the links in the path of a new node. Raises RemoteError if it has no parent."""
    resolved = base.resolve(path)
    if posixpath.dirname(resolved) not in base.nodes:
        raise _error(f"{call} {clean(path)}: no such file or directory")
    return resolved


def _matching_paths(tree: Tree, path: str, *, wildcard: bool) -> Iterator[str]:
    """Yield the path if it exists, or the paths that match the pattern."""
    folder, name = posixpath.split(clean(f"/{path}"))
    if not wildcard or not _is_pattern(path):
        resolved = posixpath.join(tree.resolve(folder), name)
        if resolved in tree.nodes:
            yield resolved
        return
    pattern = posixpath.join(folder, name)
    yield from (key for key in sorted(tree.nodes) if key != "/" and matches_glob(pattern, key))


def _is_pattern(path: str) -> bool:
    return any(character in path for character in "*?[")


def _error(message: str) -> RemoteError:
    return RemoteError(message, code=_UNKNOWN)


_ACTIONS: Mapping[str, Callable[[Tree, Tree, Mapping[str, Any]], Tree]] = {
    "copy": _copy,
    "mkfile": _mkfile,
    "mkdir": _mkdir,
    "rm": _rm,
    "symlink": _symlink,
}
