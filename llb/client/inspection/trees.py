"""Build a tree for :meth:`llb.client.Client.read_file` and its neighbours, and read from it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from llb.client.base_images.pending_state import GatewayImages
from llb.client.session.local_inputs import check_layouts, check_locals
from llb.definition.definition import Definition
from llb.errors import InputError, InvalidValueError, MissingFileError, RemoteError
from llb.gateway import Result, is_not_found
from llb.gocompat.path import absolute
from llb.sources.base_images import resolve_images
from llb.state.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol, Unpack

    from llb.client.options import BuildOptions
    from llb.client.results import SolveResult
    from llb.gateway import FileStat, Gateway, Ref, Request
    from llb.platforms import Platform

    class Build(Protocol):
        """Runs a function as the frontend of a build (:meth:`llb.client.Client.build`)."""

        def __call__(
            self, function: Callable[[Request, Gateway], Result], **options: Unpack[BuildOptions]
        ) -> SolveResult:
            """Run it with the options of a build."""

    T_ = TypeVar("T_")

Tree: TypeAlias = State | Definition
TreePath: TypeAlias = str | PurePath

_ROOT = "/"
# The options of a build that need a result.
_RESULT_OPTIONS = ("exports", "find_exports", "cache_to")


def read_file(
    build: Build,
    tree: Tree,
    path: TreePath,
    *,
    offset: int,
    length: int | None,
    platform: Platform | str | None,
    options: BuildOptions,
) -> bytes:
    """Build a tree and read a file of it, see :meth:`llb.client.Client.read_file`."""
    checked = to_path(path)
    if offset < 0:
        raise InvalidValueError(f"invalid offset {offset}: expected 0 or more bytes")
    if length is not None and length < 1:
        raise InvalidValueError(f"invalid length {length}: expected 1 or more bytes, or None")

    def read(gateway: Gateway, ref: Ref, name: str) -> bytes:
        with _reading("read", name):
            return gateway.read_file(ref, name, offset=offset, length=length or 0)

    return _with_tree(build, tree, checked, platform, options, read)


def decode(data: bytes, path: TreePath, encoding: str) -> str:
    """Decode the content of a file. Raises InputError, and InvalidValueError for the encoding."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"cannot decode {path} as {encoding}: {error.reason} at byte {error.start}",
            hint="read it with read_file(), or pass its encoding",
        ) from error
    except LookupError as error:
        raise InvalidValueError(
            f"invalid encoding {encoding!r}: expected a codec's name"
        ) from error


def list_dir(
    build: Build,
    tree: Tree,
    path: TreePath,
    *,
    pattern: str | None,
    platform: Platform | str | None,
    options: BuildOptions,
) -> tuple[FileStat, ...]:
    """Build a tree and list a directory of it, see :meth:`llb.client.Client.list_dir`."""
    checked = to_path(path)
    if pattern == "":
        raise InvalidValueError("invalid pattern '': expected a pattern of names, or None")

    def read(gateway: Gateway, ref: Ref, name: str) -> tuple[FileStat, ...]:
        with _reading("list", name):
            return gateway.read_dir(ref, name, pattern=pattern or "")

    return _with_tree(build, tree, checked, platform, options, read)


def stat(
    build: Build,
    tree: Tree,
    path: TreePath,
    *,
    platform: Platform | str | None,
    options: BuildOptions,
) -> FileStat:
    """Build a tree and get the status of a file, see :meth:`llb.client.Client.stat`."""
    checked = to_path(path)

    def read(gateway: Gateway, ref: Ref, name: str) -> FileStat:
        with _reading("stat", name):
            return gateway.stat_file(ref, name)

    return _with_tree(build, tree, checked, platform, options, read)


def run_function(
    build: Build, function: Callable[[Request, Gateway], tuple[T_, Result]], options: BuildOptions
) -> T_:
    """Run a function as the frontend of a build without exports, and return its value.

    Raises InvalidValueError for options of a build that need a result.
    """
    for name in _RESULT_OPTIONS:
        if name in options:
            raise InvalidValueError(
                f"invalid option {name}: nothing is exported", hint="pass it to solve()"
            )
    values: list[T_] = []

    def frontend(request: Request, gateway: Gateway) -> Result:
        value, result = function(request, gateway)
        values.append(value)
        return result

    build(frontend, **options)
    return values[0]


def resolve(state: State, platform: Platform | str | None, gateway: Gateway) -> State:
    """Resolve the base images of a state, as a build of it does. Raises RemoteError."""
    return resolve_images(state, GatewayImages(gateway), platform=platform)


def to_definition(
    tree: Tree, platform: Platform | str | None, options: BuildOptions, session_id: str
) -> Definition:
    """Marshal a tree for a session, and check that the session provides its local sources."""
    if isinstance(tree, State):
        tree = tree.marshal(platform=platform, local_unique_id=session_id)
    check_locals(tree, options.get("local_dirs", {}))
    check_layouts(tree, options.get("oci_layouts", {}))
    return tree


def check_tree(tree: Tree, platform: Platform | str | None) -> None:
    """Raise InvalidValueError if a definition has a platform."""
    if platform is not None and isinstance(tree, Definition):
        raise InvalidValueError(
            "invalid platform: a definition has one in each step", hint="pass a state"
        )


def to_path(path: TreePath) -> str:
    """Convert a path to a string. Raises InvalidValueError."""
    name = path.as_posix() if isinstance(path, PurePath) else path
    if not name or "\0" in name:
        raise InvalidValueError(f"invalid path {path!r}: expected a path in the tree")
    return name


def _with_tree(
    build: Build,
    tree: Tree,
    path: str,
    platform: Platform | str | None,
    options: BuildOptions,
    read: Callable[[Gateway, Ref, str], T_],
) -> T_:
    """Build a tree and read from a path of it, which ``read`` receives as an absolute one."""
    check_tree(tree, platform)

    def function(request: Request, gateway: Gateway) -> tuple[T_, Result]:
        resolved = resolve(tree, platform, gateway) if isinstance(tree, State) else tree
        definition = to_definition(resolved, platform, options, request.session_id)
        name = absolute(resolved.cwd if isinstance(resolved, State) else _ROOT, path)
        # Evaluated first, so that no error of a step looks like one of reading.
        ref = gateway.solve(definition, evaluate=True)
        return read(gateway, ref, name), Result(ref)

    return run_function(build, function, options)


@contextmanager
def _reading(verb: str, path: str) -> Iterator[None]:
    """Convert errors of reading from a built tree. Raises MissingFileError and InputError."""
    try:
        yield
    except RemoteError as error:
        if is_not_found(error):
            raise MissingFileError(
                f"cannot {verb} {path}: no such file in the tree", path=path
            ) from error
        raise InputError(
            f"cannot {verb} {path}: {_reason(error.message)}", hint=error.hint
        ) from error


def _reason(message: str) -> str:
    """Extract the reason from an error of the daemon, which names paths of its own."""
    reason = message.rpartition(": ")[2]
    # Since v0.34 without the path.
    return "it is not a regular file" if reason.endswith("not a regular file") else reason
