"""COPY and ADD: the file actions that they become.

The rules are those of the Dockerfile reference ("COPY", "ADD"), and the actions those of
BuildKit's ``frontend/dockerfile/dockerfile2llb``. ADD extracts archives among its paths, and
none that it downloads, unless ``--unpack`` says otherwise.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from attrs import frozen

from llb.buildkit_names import HTTP_SCHEME, HTTPS_SCHEME
from llb.gocompat.path import absolute, join
from llb.gocompat.url import parse_url
from llb.ops import nodes as ops
from llb.state.file_actions import mkfile
from llb.state.state import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from llb.ops.tree import Tree
    from llb.state.step_options import StepOptions

HEREDOC_MODE = 0o644
_SCHEMES = (HTTP_SCHEME, HTTPS_SCHEME)
_UNNAMED = "__unnamed__"
_PIVOT = "/./"
# A backslash makes the next character literal.
_WILDCARD = re.compile(r"(?:[^\\*?\[]|\\.)*[*?\[]", re.DOTALL)
# The options of copied paths. Heredocs, downloads and repositories are copied without them.
_PATH_OPTIONS = {
    "follow_symlinks": True,
    "copy_dir_contents_only": True,
    "allow_wildcard": True,
    "allow_empty_wildcard": True,
}


class Selection(NamedTuple):
    """A path of a tree, or the ``include`` matches below it; ``required`` paths must exist."""

    path: str
    include: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


@frozen
class Destination:
    """The absolute path that the sources of an instruction are copied to, and its flags."""

    path: str
    owner: ops.Owner | None = None
    mode: int | str | None = None
    exclude: tuple[str, ...] = ()
    link: bool = False

    @property
    def has_own_layer(self) -> bool:
        """Whether the copy is a separate layer; a mode rules out ``--link``."""
        return self.link and self.mode is None

    def copy_paths(
        self, tree: Tree, selection: Selection, *, unpack: bool = False
    ) -> ops.CopyAction:
        """Copy paths of the build context, a stage or an image."""
        return self._copy(
            tree,
            absolute("/", selection.path),
            include_patterns=selection.include,
            required_paths=selection.required,
            attempt_unpack=unpack,
            **_PATH_OPTIONS,
        )

    def copy_file(self, tree: Tree, name: str, *, unpack: bool = False) -> ops.CopyAction:
        """Copy a heredoc or a download, which is the file ``name`` of a separate tree."""
        return self._copy(tree, absolute("/", name), attempt_unpack=unpack)

    def copy_repository(self, tree: Tree) -> ops.CopyAction:
        """Copy a repository."""
        return self._copy(tree, "/")

    def _copy(self, tree: Tree, src: str, **options: Any) -> ops.CopyAction:
        return ops.CopyAction(
            source=tree.output,
            src=src,
            dest=self.path,
            owner=self.owner,
            mode=self.mode,
            create_dest_path=True,
            exclude_patterns=self.exclude,
            **options,
        )


def copies_paths(action: ops.CopyAction) -> bool:
    """Check whether an action has the options of :meth:`Destination.copy_paths`."""
    return all(getattr(action, name) == value for name, value in _PATH_OPTIONS.items())


def destination_path(cwd: str, dest: str) -> str:
    """Resolve a destination, whose trailing slash means "inside this directory"."""
    return absolute(cwd, "./" if dest in ("", ".") else dest, keep_slash=True)


def select_parents(source: str, to_path: Callable[[str], str] = str) -> Selection:
    """Resolve a source of ``COPY --parents``.

    The directories before ``/./`` are not created at the destination. Without a wildcard the
    path must exist. ``to_path`` converts paths of Windows.
    """
    parent, pivot, pattern = source.partition(_PIVOT)
    if not pivot:
        parent, pattern = "/", source
    # An absolute pattern keeps its spelling.
    pattern = pattern if pattern.startswith("/") else join("/", to_path(pattern))
    is_exact = not has_wildcard(parent) and not has_wildcard(pattern)
    required = (join("/", to_path(join(parent, pattern))),) if is_exact else ()
    return Selection(parent, (pattern.removeprefix("/"),), required)


def parents_source(path: str, pattern: str) -> str:
    """Write a source that :func:`select_parents` resolves to a pattern below ``path``."""
    return join("/", pattern) if path == "/" else f"{path.rstrip('/')}{_PIVOT}{pattern}"


def has_wildcard(path: str) -> bool:
    """Check whether a path has an unescaped wildcard."""
    return _WILDCARD.match(path) is not None


def is_remote(source: str) -> bool:
    """Check whether a source is a URL rather than a path of the build context.

    Docker also looks for a repository in the build context.
    """
    return source.startswith(_SCHEMES)


def filename_of(url: str) -> str:
    """Name the download of a URL: the last part of its path, if it has one."""
    try:
        path = parse_url(url).path
    except ValueError:
        return _UNNAMED
    name = posixpath.basename(path.rstrip("/"))
    return _UNNAMED if name in ("", ".") else name


def heredoc_file(filename: str, data: bytes | str, **options: Unpack[StepOptions]) -> State:
    """Write the content of a heredoc to a separate tree."""
    return State().file(mkfile(filename, data, mode=HEREDOC_MODE), **options)
