"""Mounts of a process: bind mounts, caches, tmpfs, secrets and ssh agents.

Each function creates a mount for ``run(..., mounts=[...])`` or ``state.mount(...)``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llb.arguments.checked import checked
from llb.arguments.conversions import StrPath, to_path
from llb.errors import InvalidValueError
from llb.gocompat.path import check_mode, check_mount_target, clean
from llb.ops import nodes as ops
from llb.ops.defaults import SECRET_MODE, SECRETS, SSH_MODE
from llb.protobuf import sha256_of
from llb.validation import check_id, check_limit, choice

if TYPE_CHECKING:
    from llb.buildkit_names import ContentCacheName, SharingName
    from llb.ops.tree import Tree


@checked
def bind(
    source: Tree,
    target: StrPath,
    *,
    path: StrPath = "",
    readonly: bool = False,
    discard: bool = False,
    content_cache: ContentCacheName = "default",
) -> ops.Bind:
    """Mount the tree of another state at the absolute path ``target``.

    ``path`` mounts only a subdirectory or file of ``source``. What the process writes becomes a
    separate result, ``state.mounted(target)``; ``source`` itself never changes. ``readonly``
    forbids writing, and ``discard`` drops what is written. ``content_cache`` is ``default``, ``on``
    or ``off``: whether the cache compares the content of the mount instead of its history. Raises
    InvalidValueError for an invalid argument.

    >>> from llb import Image, Local, Scratch, bind
    >>> mounts = [bind(Local("src"), "/src", readonly=True), bind(Scratch(), "/out")]
    >>> Image("golang").run("go build -o /out ./...", workdir="/src", mounts=mounts).mounted("/out")
    <State after ExecOp>
    """
    return ops.Bind(
        target=check_mount_target(to_path(target)),
        source=source.output,
        selector=to_path(path),
        readonly=readonly,
        discard=discard,
        content_cache=choice(ops.ContentCache, content_cache, "content_cache"),
    )


@checked
def cache(
    target: StrPath,
    *,
    id: str | None = None,  # noqa: A002 - BuildKit's word
    sharing: SharingName = "shared",
    source: Tree | None = None,
    path: StrPath = "",
    readonly: bool = False,
) -> ops.Cache:
    """Mount a directory that the daemon keeps between builds.

    ``id`` names the cache; mounts with the same ``id`` share it. The default is the cleaned target.
    ``sharing`` says what concurrent builds do: ``shared`` uses the same directory, ``private``
    gives the second build another one, and ``locked`` makes it wait. ``source`` is the initial
    content of a new cache, and ``path`` a subdirectory of it. Raises InvalidValueError for an
    invalid argument.

    >>> from llb import Image, cache
    >>> Image("node").run("npm ci", mounts=[cache("/root/.npm", sharing="locked")])
    <State after ExecOp>
    """
    mount_point = check_mount_target(to_path(target))
    return ops.Cache(
        target=mount_point,
        id=clean(mount_point) if id is None else _not_empty(id, "cache id"),
        sharing=choice(ops.CacheSharing, sharing, "sharing"),
        source=None if source is None else source.output,
        selector=to_path(path),
        readonly=readonly,
    )


@checked
def tmpfs(target: StrPath, *, size: int = 0) -> ops.Tmpfs:
    """Mount a file system in memory at ``target``.

    ``size`` is its maximum in bytes; 0 is the system's default. Raises InvalidValueError for an
    invalid argument.
    """
    return ops.Tmpfs(
        target=check_mount_target(to_path(target)), size=check_limit(size, "tmpfs size")
    )


@checked
def secret(
    id: str,  # noqa: A002 - BuildKit's word
    *,
    target: StrPath | None = None,
    env: str | None = None,
    uid: int = 0,
    gid: int = 0,
    mode: int = SECRET_MODE,
    optional: bool = False,
    cache_key: str | None = None,
) -> ops.Secret:
    """Give the process a secret of the client as a file, an environment variable, or both.

    ``id`` is the name under which the client provides the secret. ``target`` is the path of the
    file, and ``env`` the name of the variable; without both, the secret is the file
    ``/run/secrets/ID``. ``uid``, ``gid`` and ``mode`` (``0o400``) apply to the file. A missing
    secret fails the build unless ``optional``. The content is not part of the definition, the cache
    key or the result.

    By default a changed secret does not invalidate the cache. To invalidate it, pass a
    ``cache_key`` that changes with the secret, for example its version or the day of its rotation.
    The definition and the environment of the process contain a digest of the key, not the key
    itself, in the variable ``LLB_SECRET_KEY_`` plus the id. Do not derive the key from a secret
    that can be guessed.

    >>> from llb import Image, secret
    >>> Image("node").run("npm ci", mounts=[secret("npm-token", env="NPM_TOKEN")])
    <State after ExecOp>
    """
    _not_empty(id, "secret id")
    if target is None and env is None:
        target = SECRETS + id
    return ops.Secret(
        id=id,
        target=None if target is None else check_mount_target(to_path(target)),
        env=env,
        uid=check_id(uid, "uid"),
        gid=check_id(gid, "gid"),
        mode=check_mode(mode),
        optional=optional,
        cache_key=cache_key,
    )


def cache_key_variable(mount: ops.Secret) -> tuple[str, str]:
    """Name the variable that carries the cache key of a secret, and compute its value."""
    name = re.sub(r"[^A-Z0-9_]", "_", mount.id.upper())
    key = f"{mount.id}\0{mount.cache_key}"
    return f"LLB_SECRET_KEY_{name}", sha256_of(key.encode())[:16]


@checked
def ssh(
    id: str = "default",  # noqa: A002 - BuildKit's word
    *,
    target: StrPath | None = None,
    uid: int = 0,
    gid: int = 0,
    mode: int = SSH_MODE,
    optional: bool = False,
) -> ops.SSH:
    """Give the process a socket to an ssh agent of the client.

    ``id`` is the name under which the client provides the agent. ``target`` is the path of the
    socket, by default ``/run/buildkit/ssh_agent.N``. ``SSH_AUTH_SOCK`` is set to the first such
    socket unless the environment already sets it. ``uid``, ``gid`` and ``mode`` (``0o600``) apply
    to the socket. A missing agent fails the build unless ``optional``.
    """
    return ops.SSH(
        id=_not_empty(id, "ssh id"),
        target=None if target is None else check_mount_target(to_path(target)),
        uid=check_id(uid, "uid"),
        gid=check_id(gid, "gid"),
        mode=check_mode(mode),
        optional=optional,
    )


def _not_empty(value: str, label: str) -> str:
    if not value:
        raise InvalidValueError(f"invalid {label} '': expected a name")
    return value
