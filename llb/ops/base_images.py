"""What steps inherit from the config of a base image that is not resolved yet.

The text of these values is that on an image with an empty config, which is what Go's client
encodes. :mod:`llb.sources.base_images` replaces them when the config is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from llb.gocompat.path import absolute, clean
from llb.ops.nodes import CopyAction, ExecOp, FileOp, SymlinkAction
from llb.ops.walk import post_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llb.ops.nodes import FileAction, Op, SourceOp

_ROOT = "/"
_HERE = "."


class BasePath(str):
    """A path that is relative to the working directory of an image.

    ``directory`` is a working directory below that of the image ``base``, and ``file`` a path in
    it, empty for the directory itself. ``keep_slash`` is that of
    :func:`llb.gocompat.path.absolute`.
    """

    __slots__ = ("base", "directory", "file", "keep_slash")

    base: SourceOp
    directory: str
    file: str
    keep_slash: bool

    def __new__(
        cls, base: SourceOp, directory: str = _HERE, file: str = "", *, keep_slash: bool = False
    ) -> Self:
        """Create a path whose text starts at the root."""
        path = super().__new__(cls, _absolute(_ROOT, directory, file, keep_slash))
        path.base, path.directory, path.file, path.keep_slash = base, directory, file, keep_slash
        return path

    def __reduce__(self) -> tuple[object, ...]:
        """Support pickle and copy."""
        return _base_path, (self.base, self.directory, self.file, self.keep_slash)

    def child_directory(self, path: str) -> BasePath:
        """Extend a working directory by a relative path."""
        return BasePath(self.base, clean(f"{self.directory}/{path}"))

    def child_file(self, path: str, *, keep_slash: bool = False) -> BasePath:
        """Resolve a relative path against this working directory."""
        return BasePath(self.base, self.directory, path, keep_slash=keep_slash)

    def below(self, workdir: str) -> str:
        """Compute the path for an image with this working directory."""
        return _absolute(workdir, self.directory, self.file, self.keep_slash)


def _base_path(base: SourceOp, directory: str, file: str, keep_slash: bool) -> BasePath:  # noqa: FBT001 - as stored
    return BasePath(base, directory, file, keep_slash=keep_slash)


def _absolute(workdir: str, directory: str, file: str, keep_slash: bool) -> str:  # noqa: FBT001 - as stored
    cwd = workdir if directory == _HERE else absolute(workdir, directory)
    return absolute(cwd, file, keep_slash=keep_slash) if file else cwd


class ShellArgs(tuple[str, ...]):
    """The arguments of a shell and a command for it, where the base image may set another shell."""

    __slots__ = ()

    @property
    def command(self) -> str:
        """The command."""
        return self[-1]

    def in_shell(self, shell: Iterable[str]) -> tuple[str, ...]:
        """Replace the shell."""
        return (*shell, self.command)


def resolve_path(workdir: str, path: str, *, keep_slash: bool = False) -> str:
    """Make ``path`` absolute; the working directory may be that of a base image."""
    if isinstance(path, BasePath):
        return path
    if isinstance(workdir, BasePath) and not path.startswith("/"):
        return workdir.child_file(path, keep_slash=keep_slash)
    return absolute(workdir, path, keep_slash=keep_slash)


def paths_of(action: FileAction) -> tuple[str, ...]:
    """List the paths of an action that working directories apply to."""
    match action:
        case CopyAction():
            return action.src, action.dest
        case SymlinkAction():
            return ()
        case _:
            return (action.path,)


def bases_of(op: Op) -> Iterator[SourceOp]:
    """Yield the images whose configs the operation depends on."""
    if isinstance(op, ExecOp):
        process = op.process
        if process.base is not None:
            yield process.base
        if isinstance(process.cwd, BasePath):
            yield process.cwd.base
    elif isinstance(op, FileOp):
        for action in op.actions:
            for path in paths_of(action):
                if isinstance(path, BasePath):
                    yield path.base


def base_images(roots: Iterable[Op]) -> tuple[SourceOp, ...]:
    """List the images whose configs the operations below ``roots`` depend on."""
    bases: dict[int, SourceOp] = {}
    for root in roots:
        for op in post_order(root):
            for base in bases_of(op):
                bases.setdefault(id(base), base)
    return tuple(bases.values())
