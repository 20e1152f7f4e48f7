"""File actions done to trees in memory."""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING, Any

from attrs import evolve

from llb.errors import RemoteError
from llb.gocompat.path import clean
from llb.gocompat.patternmatcher import matches_glob
from llb.testing.fake_buildkit.trees import DIRECTORY, Node, Tree, is_below, mounted, parents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_UNKNOWN = 2
# What a copy may ask for that is not done here.
_NOT_DONE = (
    "attemptUnpackDockerCompatibility",
    "include_patterns",
    "exclude_patterns",
    "required_paths",
    "modeStr",
    "alwaysReplaceExistingDestPaths",
)


class NotSimulatedError(Exception):
    """Something that only a daemon does; the text says what."""


def act(base: Tree, source: Tree, action: Mapping[str, Any]) -> Tree:
    """Return ``base`` after an action, which copies from ``source`` if it is a copy.

    ``action`` is a ``pb.FileAction`` as :func:`llb.definition.message_dict.plain` gives it. Raises RemoteError
    where a daemon does, in its words, and NotSimulatedError.
    """
    for kind, function in _ACTIONS.items():
        if kind in action:
            return function(base, source, action[kind])
    raise NotSimulatedError("an action of a kind that is not known")


def _mkfile(base: Tree, _: Tree, given: Mapping[str, Any]) -> Tree:
    path = _place(base, given["path"], "open")
    old = base.nodes.get(path)
    if old is not None and old.is_directory:
        raise _error(f"open {clean(given['path'])}: is a directory")
    node = Node(stat.S_IFREG | given.get("mode", 0) & 0o7777, given.get("data", b""))
    return base.with_nodes({path: _with_owner(node, given)})


def _mkdir(base: Tree, _: Tree, given: Mapping[str, Any]) -> Tree:
    made = evolve(DIRECTORY, mode=stat.S_IFDIR | given.get("mode", 0) & 0o7777)
    path = base.resolve(given["path"])
    if not given.get("makeParents"):
        path = _place(base, given["path"], "mkdir")
    # What is there already stays, whatever it is.
    missing = (each for each in (path, *parents(path)) if each not in base.nodes)
    return base.with_nodes(dict.fromkeys(missing, _with_owner(made, given)))


def _symlink(base: Tree, _: Tree, given: Mapping[str, Any]) -> Tree:
    path = _place(base, given["newpath"], "symlink")
    if path in base.nodes:
        raise _error(f"symlink {given['oldpath']} {clean(given['newpath'])}: file exists")
    node = Node(stat.S_IFLNK | 0o777, target=given["oldpath"])
    return base.with_nodes({path: _with_owner(node, given)})


def _rm(base: Tree, _: Tree, given: Mapping[str, Any]) -> Tree:
    found = list(_named(base, given["path"], wildcard=given.get("allowWildcard", False)))
    is_pattern = given.get("allowWildcard") and _is_pattern(given["path"])
    if not found and not is_pattern and not given.get("allowNotFound"):
        raise _error(f"stat {given['path']}: no such file or directory")
    for path in found:
        base = base.without(path)
    return base


def _copy(base: Tree, source: Tree, given: Mapping[str, Any]) -> Tree:
    asked = [name for name in _NOT_DONE if given.get(name)]
    if asked:
        raise NotSimulatedError(f"a copy with {', '.join(asked)}")
    src, dest = given["src"], given["dest"]
    found = list(_named(source, src, wildcard=given.get("allowWildcard", False)))
    if not found:
        if given.get("allowEmptyWildcard"):
            return base
        if given.get("allowWildcard") and _is_pattern(src):
            raise _error(f"{src} not found")
        raise _error(
            "failed to compute cache key: failed to calculate checksum of ref "
            f'worker0::source: "{src}": not found'
        )
    for path in found:
        base = _copy_one(base, source, path, dest, given, several=len(found) > 1)
    return base


def _copy_one(
    base: Tree, source: Tree, path: str, dest: str, given: Mapping[str, Any], *, several: bool
) -> Tree:
    if given.get("followSymlink"):
        path = source.resolve(path)
    node = source.nodes[path]
    target = base.resolve(dest)
    there = base.nodes.get(target)
    is_into = several or dest.endswith("/") or (there is not None and there.is_directory)
    contents_only = node.is_directory and given.get("dirCopyContents", False)
    if is_into and not contents_only:
        target = posixpath.join(target, posixpath.basename(path))
    missing = [each for each in parents(target) if each not in base.nodes]
    if missing and not given.get("createDestPath"):
        problem = f"lstat {mounted(missing[-1])}: no such file or directory"
        raise _error(f"failed to stat {dest}: {problem}")
    above = dict.fromkeys(missing, _with_owner(DIRECTORY, given))
    copied = {
        _moved(each, path, target): _changed(source.nodes[each], given)
        for each in source.nodes
        if each == path or is_below(each, path)
    }
    if contents_only and there is not None:
        # A directory that is there already stays as it is.
        del copied[target]
    return base.with_nodes({**above, **copied})


def _moved(path: str, old: str, new: str) -> str:
    below = path.removeprefix("/" if old == "/" else old).lstrip("/")
    return posixpath.join(new, below) if below else new


def _changed(node: Node, given: Mapping[str, Any]) -> Node:
    mode = given.get("mode", 0)
    if mode >= 0 and not node.is_link:
        node = evolve(node, mode=stat.S_IFMT(node.mode) | mode)
    return _with_owner(node, given)


def _with_owner(node: Node, given: Mapping[str, Any]) -> Node:
    owner = given.get("owner", {})
    user = _number(owner.get("user"))
    group = _number(owner.get("group"))
    modified = max(given.get("timestamp", 0), 0) or node.modified
    if user is None and group is None:
        return evolve(node, modified=modified)
    uid = node.uid if user is None else user
    return evolve(node, uid=uid, gid=uid if group is None else group, modified=modified)


def _number(user: Mapping[str, Any] | None) -> int | None:
    if user is None:
        return None
    if "byName" in user and user["byName"].get("name") != "root":
        raise NotSimulatedError(f"the owner {user['byName'].get('name')!r}, which is no number")
    return int(user.get("byID", 0))


def _place(base: Tree, path: str, call: str) -> str:
    """Return where something is made, links followed, in a directory that there is."""
    place = base.resolve(path)
    if posixpath.dirname(place) not in base.nodes:
        raise _error(f"{call} {clean(path)}: no such file or directory")
    return place


def _named(tree: Tree, path: str, *, wildcard: bool) -> Iterator[str]:
    """Yield what is at a path, or at all that a pattern matches."""
    folder, name = posixpath.split(clean(f"/{path}"))
    if not wildcard or not _is_pattern(path):
        place = posixpath.join(tree.resolve(folder), name)
        if place in tree.nodes:
            yield place
        return
    pattern = posixpath.join(folder, name)
    yield from (each for each in sorted(tree.nodes) if each != "/" and matches_glob(pattern, each))


def _is_pattern(path: str) -> bool:
    return any(each in path for each in "*?[")


def _error(message: str) -> RemoteError:
    return RemoteError(message, code=_UNKNOWN)


_ACTIONS: Mapping[str, Callable[[Tree, Tree, Mapping[str, Any]], Tree]] = {
    "copy": _copy,
    "mkfile": _mkfile,
    "mkdir": _mkdir,
    "rm": _rm,
    "symlink": _symlink,
}
