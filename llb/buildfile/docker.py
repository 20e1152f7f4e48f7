"""Steps with the meaning that a Dockerfile gives them, made for :meth:`State.pipe`.

They are the same operations, byte for byte, and so have the same cache: what COPY does with
links and wildcards, who owns the directory of WORKDIR, that an ARG is no part of the image.

>>> from llb import Local
>>> from llb.buildfile import docker
>>> docker.scratch().pipe(docker.workdir, "/src").pipe(docker.copy, Local("context"), "a", "./")
<State after FileOp>
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, TypedDict, Unpack
from urllib.parse import unquote, urlsplit

from attrs import evolve

from llb.buildfile.bases import scratch, upon
from llb.buildfile.current import current
from llb.errors import InvalidValueError
from llb.gocompat.path import absolute, check_mode, clean, is_symbolic_mode, join
from llb.ops import nodes as ops
from llb.ops.env import Env
from llb.sources.http_and_blobs import HTTP
from llb.sources.image_and_local import Scratch
from llb.state import mounts
from llb.state.file_actions import mkdir, parse_owner
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

_OCTAL = re.compile(r"[0-7]{1,5}\Z")
_NO_NAME = "__unnamed__"
_PIVOT = "/./"
# What a backslash stands before is no wildcard.
_WILDCARD = re.compile(r"(?:[^\\*?\[]|\\.)*[*?\[]", re.DOTALL)
_CACHE = "/cache"
_CACHE_NAMESPACE = "BUILDKIT_CACHE_MOUNT_NS"


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
    made = mkdir(state.cwd, parents=True, created=None if build is None else build.epoch)
    return state.file(evolve(made, owner=_owner(state.settings.process.user or state.config.user)))


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

    def action(path: str) -> ops.CopyAction:
        parent, patterns, required = _parents(path) if parents else (path, (), ())
        return _action(
            state,
            source,
            absolute("/", parent),
            dest,
            flags,
            follow_symlinks=True,
            copy_dir_contents_only=True,
            include_patterns=patterns,
            required_paths=required,
            attempt_unpack=unpack,
            allow_wildcard=True,
            allow_empty_wildcard=True,
        )

    return _copied(state, [action(path) for path in _several(paths)], flags)


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
    actions = [
        _action(state, Scratch().mkfile(name, text), absolute("/", name), dest, flags)
        for name, text in files.items()
    ]
    return _copied(state, actions, flags)


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

    def action(url: str) -> ops.CopyAction:
        name = _filename(url)
        tree = HTTP(url, filename=name, checksum=checksum or None)
        return _action(state, tree, absolute("/", name), dest, flags, attempt_unpack=unpack)

    return _copied(state, [action(url) for url in _several(urls)], flags)


def clone(state: State, repository: ops.Tree, dest: str, **flags: Unpack[Copying]) -> State:
    """Return the state after copying a repository (:func:`llb.Git`): ``ADD https://….git``."""
    return _copied(state, [_action(state, repository, "/", dest, flags)], flags)


def cache(
    target: str,
    *,
    id: str = "",  # noqa: A002 - BuildKit's word
    sharing: str = "shared",
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
    namespace = "" if build is None else build.args.get(_CACHE_NAMESPACE, "")
    tree, inside = source or Scratch(), join("/", path)
    if inside == "/" and (uid, gid, mode) != (None, None, None):
        made = mkdir(_CACHE, mode=0o755 if mode is None else mode, owner=f"{uid or 0}:{gid or 0}")
        tree, inside = tree.file(made), _CACHE
    return ops.Cache(
        target=mounts.tmpfs(target).target,
        id=f"{namespace}/{id or clean(target)}",
        sharing=choice(ops.CacheSharing, sharing, "sharing"),
        source=tree.output,
        selector="" if inside == "/" else inside,
        readonly=readonly,
    )


def ssh(
    id: str = "",  # noqa: A002 - BuildKit's word
    *,
    target: str | None = None,
    uid: int = 0,
    gid: int = 0,
    mode: int = 0o600,
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


def _copied(state: State, actions: Sequence[ops.CopyAction], flags: Copying) -> State:
    _check_platform()
    if flags.get("link", False) and not flags.get("mode"):
        return state.with_output(merge([state, Scratch().file(*actions)]))
    return state.file(*actions)


def _action(
    state: State, source: ops.Tree, path: str, dest: str, flags: Copying, **options: Any
) -> ops.CopyAction:
    return ops.CopyAction(
        source=source.output,
        src=path,
        dest=absolute(state.cwd, dest if dest not in ("", ".") else "./", keep_slash=True),
        owner=_owner(flags.get("owner", "")),
        mode=_mode(flags.get("mode", "")),
        create_dest_path=True,
        exclude_patterns=tuple(flags.get("exclude", ())),
        **options,
    )


def _owner(text: str) -> ops.Owner | None:
    """Return an owner; unlike elsewhere, an empty user or group is root."""
    if not text:
        return None
    user, colon, group = text.partition(":")
    return ops.Owner(user=_user(user), group=_user(group) if colon else None)


def _user(word: str) -> ops.User | None:
    if ":" in word:
        return ops.User(name=word)
    owner = parse_owner(word or "root")
    return None if owner is None else owner.user


def _mode(mode: int | str) -> int | str | None:
    if isinstance(mode, int):
        return check_mode(mode)
    if not mode:
        return None
    if _OCTAL.match(mode):
        return check_mode(int(mode, 8))
    if not is_symbolic_mode(mode):
        raise InvalidValueError(f"invalid mode {mode!r}: expected an octal number, or u=rwX,go-w")
    return mode


def _parents(source: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the directory to copy from, the pattern of what is copied, and what must exist."""
    parent, pivot, pattern = source.partition(_PIVOT)
    if not pivot:
        parent, pattern = "/", source
    pattern = pattern if pattern.startswith("/") else join("/", pattern)
    has_wildcard = _WILDCARD.match(parent) or _WILDCARD.match(pattern)
    required = () if has_wildcard else (join("/", parent, pattern),)
    return parent, (pattern.removeprefix("/"),), required


def _filename(url: str) -> str:
    name = posixpath.basename(unquote(urlsplit(url).path).rstrip("/"))
    return _NO_NAME if name in ("", ".") else name
