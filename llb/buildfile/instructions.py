"""Dockerfile instructions as functions, for use with :meth:`llb.State.pipe`.

They produce the same operations, byte for byte, and so share the cache: COPY follows links and
expands wildcards, WORKDIR sets the owner of its directory, ARG stays out of the image.

>>> from llb import Local
>>> from llb.buildfile import instructions
>>> instructions.scratch().pipe(instructions.workdir, "/src").pipe(instructions.copy, Local("context"), "a", "./")
<State after FileOp>
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack

from attrs import evolve

from llb.arguments.checked import checked
from llb.buildfile.bases import from_stage, scratch
from llb.buildfile.current import current_build
from llb.dockerfile_rules.copy import (
    Destination,
    Selection,
    destination_path,
    filename_of,
    heredoc_file,
    select_parents,
)
from llb.dockerfile_rules.permissions import has_names, parse_chmod, parse_chown
from llb.dockerfile_rules.run import (
    CACHE_FOLDER,
    CACHE_NAMESPACE,
    DEFAULT_SHARING,
    cache_id,
    mount_selector,
    new_cache,
)
from llb.dockerfile_rules.workdir import workdir_action
from llb.errors import InvalidValueError
from llb.gocompat.path import check_mode, check_mount_target
from llb.ops import nodes as ops
from llb.ops.defaults import SSH_MODE
from llb.ops.env import Env
from llb.sources.http_and_blobs import HTTP
from llb.sources.image_and_local import Scratch
from llb.state.merge import merge
from llb.validation import choice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llb.buildkit_names import SharingName
    from llb.ops.tree import Tree
    from llb.state.state import State

__all__ = [
    "args",
    "cache",
    "clone",
    "copy",
    "expose",
    "fetch",
    "from_stage",
    "scratch",
    "ssh",
    "workdir",
    "write",
]


class CopyFlags(TypedDict, total=False):
    """The flags that COPY and ADD share, with the values that a Dockerfile has.

    ``owner`` is ``user[:group]``; an empty string is root. ``mode`` is an integer, or a string
    like ``"755"`` or ``"u+x"``. ``exclude`` are patterns of paths to leave out. ``link`` creates a
    layer that does not depend on the tree below, unless there is a mode; it needs a numeric owner.
    """

    owner: str
    mode: int | str
    exclude: Iterable[str]
    link: bool


@checked
def args(state: State, /, **values: str | None) -> State:
    """Set build args for the processes that follow: ``ARG``.

    They do not become part of the image. None leaves a variable unchanged.
    """
    env = state.settings.process.env
    for name, value in values.items():
        if value is not None:
            env = Env(env, name, value, is_argument=True)
    process = state.settings.process.with_env(env)
    return evolve(state, settings=evolve(state.settings, process=process))


@checked
def workdir(state: State, path: str) -> State:
    """Change the working directory, and create it if it is missing: ``WORKDIR``.

    It belongs to the user of the state, and has the time of SOURCE_DATE_EPOCH.
    """
    _check_platform()
    if path:
        state = state.workdir(path)
    if state.cwd == "/":
        return state
    build = current_build()
    user = state.settings.process.user or state.config.user
    epoch = None if build is None else build.epoch
    return state.file(workdir_action(state.cwd, user, epoch))


@checked(options=CopyFlags)
def copy(
    state: State,
    source: Tree,
    paths: str | Sequence[str],
    dest: str,
    *,
    parents: bool = False,
    unpack: bool = False,
    **flags: Unpack[CopyFlags],
) -> State:
    """Copy paths of another tree: ``COPY``, or with ``unpack`` ``ADD``.

    Follows links, copies the content of directories, and accepts wildcards without a match.
    With ``parents`` the parent directories of each path, after ``/./``, are created too.
    """
    destination = _destination(state, dest, flags)
    actions = [
        destination.copy_paths(
            source, select_parents(path) if parents else Selection(path), unpack=unpack
        )
        for path in _to_sequence(paths)
    ]
    return _apply_copy(state, actions, destination)


@checked
def expose(state: State, ports: str) -> State:
    """Expose the ports in a string: ``EXPOSE``.

    The string holds any number of ports, separated by spaces: ranges like ``8000-8010/udp``, and
    host ports, which are ignored.
    """
    for spec in ports.split():
        port, slash, protocol = spec.rpartition(":")[2].partition("/")
        first, dash, last = port.partition("-")
        if dash and not (first.isdecimal() and last.isdecimal()):
            raise InvalidValueError(f"invalid port {spec!r}: expected a number or a range")
        for number in range(int(first), int(last) + 1) if dash else (first,):
            state = state.expose(f"{number}{slash}{protocol.lower()}")
    return state


@checked(options=CopyFlags)
def write(state: State, files: Mapping[str, str], dest: str, **flags: Unpack[CopyFlags]) -> State:
    """Write strings to files, by their names: ``COPY <<EOF``."""
    destination = _destination(state, dest, flags)
    actions = [
        destination.copy_file(heredoc_file(name, content), name) for name, content in files.items()
    ]
    return _apply_copy(state, actions, destination)


@checked(options=CopyFlags)
def fetch(
    state: State,
    urls: str | Sequence[str],
    dest: str,
    *,
    checksum: str | None = None,
    unpack: bool = False,
    **flags: Unpack[CopyFlags],
) -> State:
    """Download files from URLs: ``ADD https://…``.

    The last part of its URL names each file. ``checksum`` is the expected digest.
    """
    destination = _destination(state, dest, flags)

    def action(url: str) -> ops.CopyAction:
        name = filename_of(url)
        tree = HTTP(url, filename=name, checksum=checksum or None)
        return destination.copy_file(tree, name, unpack=unpack)

    return _apply_copy(state, [action(url) for url in _to_sequence(urls)], destination)


@checked(options=CopyFlags)
def clone(state: State, repository: Tree, dest: str, **flags: Unpack[CopyFlags]) -> State:
    """Copy a repository (:func:`llb.Git`): ``ADD https://….git``."""
    destination = _destination(state, dest, flags)
    return _apply_copy(state, [destination.copy_repository(repository)], destination)


@checked
def cache(
    target: str,
    *,
    id: str = "",  # noqa: A002 - BuildKit's word
    sharing: SharingName = DEFAULT_SHARING,
    source: State | None = None,
    path: str = "",
    readonly: bool = False,
    uid: int | None = None,
    gid: int | None = None,
    mode: int | None = None,
) -> ops.Cache:
    """Mount a cache directory with the ID that ``RUN --mount=type=cache`` would use.

    ``uid``, ``gid`` and ``mode`` apply to a new cache.
    """
    build = current_build()
    namespace = "" if build is None else build.args.get(CACHE_NAMESPACE, "")
    tree, selector = source or Scratch(), mount_selector(path)
    if not selector and (uid, gid, mode) != (None, None, None):
        tree, selector = new_cache(tree, uid, gid, mode), CACHE_FOLDER
    return ops.Cache(
        target=check_mount_target(target),
        id=cache_id(namespace, id, target),
        sharing=choice(ops.CacheSharing, sharing, "sharing"),
        source=tree.output,
        selector=selector,
        readonly=readonly,
    )


@checked
def ssh(
    id: str = "",  # noqa: A002 - BuildKit's word
    *,
    target: str | None = None,
    uid: int = 0,
    gid: int = 0,
    mode: int = SSH_MODE,
    required: bool = False,
) -> ops.SSH:
    """Mount an ssh agent of the client, like ``RUN --mount=type=ssh``; it may be missing."""
    return ops.SSH(id, target, uid, gid, check_mode(mode), optional=not required)


def _to_sequence(values: str | Sequence[str]) -> Sequence[str]:
    return [values] if isinstance(values, str) else values


def _check_platform() -> None:
    """Raise InvalidValueError for Windows, whose paths differ."""
    build = current_build()
    if build is not None and build.platform.os == "windows":
        raise InvalidValueError(
            "these functions do not support Windows images",
            hint="build a Dockerfile instead: Build.dockerfile()",
        )


def _apply_copy(state: State, actions: Sequence[ops.CopyAction], destination: Destination) -> State:
    _check_platform()
    if destination.has_own_layer:
        return state.with_output(merge([state, Scratch().file(*actions)]))
    return state.file(*actions)


def _destination(state: State, dest: str, flags: CopyFlags) -> Destination:
    mode = flags.get("mode", "")
    owner = parse_chown(flags.get("owner", ""))
    if flags.get("link") and has_names(owner):
        raise InvalidValueError(
            f"invalid owner {flags['owner']!r} with link: a separate layer knows no names",
            hint="use numeric ids such as 1000:1000",
        )
    return Destination(
        destination_path(state.cwd, dest),
        owner=owner,
        mode=check_mode(mode) if isinstance(mode, int) else parse_chmod(mode),
        exclude=tuple(flags.get("exclude", ())),
        link=flags.get("link", False),
    )
