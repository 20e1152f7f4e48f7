"""Steps with the meaning that a Dockerfile gives them, made for :meth:`State.pipe`.

They are the same operations, byte for byte, and so have the same cache: what COPY does with
links and wildcards, who owns the directory of WORKDIR, that an ARG is no part of the image.

>>> from llb import Local
>>> from llb.buildfile import docker
>>> docker.scratch().pipe(docker.workdir, "/src").pipe(docker.copy, Local("context"), "a", "./")
<State after FileOp>
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack

from attrs import evolve

from llb.buildfile.bases import scratch, upon
from llb.buildfile.current import current
from llb.dockerfile_rules.copy import (
    Destination,
    Selection,
    destination_path,
    filename_of,
    heredoc_file,
    select_parents,
)
from llb.dockerfile_rules.permissions import parse_chmod, parse_chown
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

    from llb.state.state import State

__all__ = [
    "args",
    "cache",
    "clone",
    "copy",
    "expose",
    "fetch",
    "scratch",
    "ssh",
    "upon",
    "workdir",
    "write",
]


class Copying(TypedDict, total=False):
    """The flags that COPY and ADD have in common, each as it is written in a Dockerfile.

    ``owner`` is ``user[:group]``, an empty one being root. ``mode`` is a number, or text as
    ``"755"`` or ``"u+x"``. ``exclude`` are patterns of what is left out. ``link`` makes a layer
    that does not depend on the tree below, unless a mode is given.
    """

    owner: str
    mode: int | str
    exclude: Iterable[str]
    link: bool


def args(state: State, /, **values: str | None) -> State:
    """Return the state with build args for the processes that come next: ``ARG``.

    The image does not get them, and None leaves a variable as it is.
    """
    env = state.settings.process.env
    for name, value in values.items():
        if value is not None:
            env = Env(env, name, value, is_argument=True)
    process = state.settings.process.with_env(env)
    return evolve(state, settings=evolve(state.settings, process=process))


def workdir(state: State, path: str) -> State:
    """Return the state with another directory, which is made where it is missing: ``WORKDIR``.

    It belongs to the user of the state, and has the time of SOURCE_DATE_EPOCH.
    """
    _check_platform()
    if path:
        state = state.workdir(path)
    if state.cwd == "/":
        return state
    build = current()
    user = state.settings.process.user or state.config.user
    epoch = None if build is None else build.epoch
    return state.file(workdir_action(state.cwd, user, epoch))


def copy(
    state: State,
    source: ops.Tree,
    paths: str | Sequence[str],
    dest: str,
    *,
    parents: bool = False,
    unpack: bool = False,
    **flags: Unpack[Copying],
) -> State:
    """Return the state after copying paths of another tree: ``COPY``, or with ``unpack`` ``ADD``.

    Links are followed, of a directory its content is copied, and a wildcard may match nothing.
    With ``parents`` the directories above what is copied, up to ``/./``, are made too.
    """
    destination = _destination(state, dest, flags)
    actions = [
        destination.copy_paths(
            source, select_parents(path) if parents else Selection(path), unpack=unpack
        )
        for path in _several(paths)
    ]
    return _copied(state, actions, destination)


def expose(state: State, ports: str) -> State:
    """Return the state with the ports that a text names: ``EXPOSE``.

    There may be none, several, ranges as ``8000-8010/udp``, and ports of the host, which are
    left out.
    """
    for each in ports.split():
        port, slash, protocol = each.rpartition(":")[2].partition("/")
        first, dash, last = port.partition("-")
        if dash and not (first.isdecimal() and last.isdecimal()):
            raise InvalidValueError(f"invalid port {each!r}: expected a number or a range")
        for number in range(int(first), int(last) + 1) if dash else (first,):
            state = state.expose(f"{number}{slash}{protocol.lower()}")
    return state


def write(state: State, files: Mapping[str, str], dest: str, **flags: Unpack[Copying]) -> State:
    """Return the state after writing texts by their names: ``COPY <<EOF``."""
    destination = _destination(state, dest, flags)
    actions = [
        destination.copy_file(heredoc_file(name, text), name) for name, text in files.items()
    ]
    return _copied(state, actions, destination)


def fetch(
    state: State,
    urls: str | Sequence[str],
    dest: str,
    *,
    checksum: str | None = None,
    unpack: bool = False,
    **flags: Unpack[Copying],
) -> State:
    """Return the state after loading files of the web: ``ADD https://…``.

    A file is called as the end of its URL. ``checksum`` is the digest that it must have.
    """
    destination = _destination(state, dest, flags)

    def action(url: str) -> ops.CopyAction:
        name = filename_of(url)
        tree = HTTP(url, filename=name, checksum=checksum or None)
        return destination.copy_file(tree, name, unpack=unpack)

    return _copied(state, [action(url) for url in _several(urls)], destination)


def clone(state: State, repository: ops.Tree, dest: str, **flags: Unpack[Copying]) -> State:
    """Return the state after copying a repository (:func:`llb.Git`): ``ADD https://….git``."""
    destination = _destination(state, dest, flags)
    return _copied(state, [destination.copy_repository(repository)], destination)


def cache(
    target: str,
    *,
    id: str = "",  # noqa: A002 - BuildKit's word
    sharing: str = DEFAULT_SHARING,
    source: State | None = None,
    path: str = "",
    readonly: bool = False,
    uid: int | None = None,
    gid: int | None = None,
    mode: int | None = None,
) -> ops.Cache:
    """Mount a directory that the daemon keeps, by the name that ``RUN --mount=type=cache`` gives.

    ``uid``, ``gid`` and ``mode`` are those of a new one.
    """
    build = current()
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


def ssh(
    id: str = "",  # noqa: A002 - BuildKit's word
    *,
    target: str | None = None,
    uid: int = 0,
    gid: int = 0,
    mode: int = SSH_MODE,
    required: bool = False,
) -> ops.SSH:
    """Mount an ssh agent of the client, as ``RUN --mount=type=ssh`` does; it may be missing."""
    return ops.SSH(id, target, uid, gid, check_mode(mode), optional=not required)


def _several(given: str | Sequence[str]) -> Sequence[str]:
    return [given] if isinstance(given, str) else given


def _check_platform() -> None:
    """Raise InvalidValueError where paths mean something else than here."""
    build = current()
    if build is not None and build.platform.os == "windows":
        raise InvalidValueError(
            "steps of a Dockerfile for Windows have no functions",
            hint="build the Dockerfile itself: Build.dockerfile()",
        )


def _copied(state: State, actions: Sequence[ops.CopyAction], destination: Destination) -> State:
    _check_platform()
    if destination.has_own_layer:
        return state.with_output(merge([state, Scratch().file(*actions)]))
    return state.file(*actions)


def _destination(state: State, dest: str, flags: Copying) -> Destination:
    mode = flags.get("mode", "")
    return Destination(
        destination_path(state.cwd, dest),
        owner=parse_chown(flags.get("owner", "")),
        mode=check_mode(mode) if isinstance(mode, int) else parse_chmod(mode),
        exclude=tuple(flags.get("exclude", ())),
        link=flags.get("link", False),
    )
