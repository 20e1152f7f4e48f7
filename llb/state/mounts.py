"""What a process finds mounted: trees, caches, memory, secrets and ssh agents.

Each function returns a value to put into ``run(..., mounts=[...])``.
"""

from __future__ import annotations

import re

from llb.definition.protobuf import sha256_of
from llb.errors import InvalidValueError
from llb.gocompat.path import check_mode, check_mount_target, clean
from llb.ops import nodes as ops
from llb.ops.defaults import SECRET_MODE, SECRETS, SSH_MODE
from llb.validation import check_id, check_limit, choice


def bind(
    source: ops.Tree,
    target: str,
    *,
    path: str = "",
    readonly: bool = False,
    discard: bool = False,
    content_cache: str = "default",
) -> ops.Bind:
    """Mount a tree at ``target``; what the process writes there is its own result.

    ``path`` mounts a subdirectory or file of ``source``. A writable mount's
    result is ``state.mounted(target)``, unless ``discard`` drops what is
    written. ``content_cache`` is ``default``, ``on`` or ``off``: whether the
    content rather than its history decides about the cache.
    """
    return ops.Bind(
        target=check_mount_target(target),
        source=source.output,
        selector=path,
        readonly=readonly,
        discard=discard,
        content_cache=choice(ops.ContentCache, content_cache, "content_cache"),
    )


def cache(
    target: str,
    *,
    id: str | None = None,  # noqa: A002 - BuildKit's word
    sharing: str = "shared",
    source: ops.Tree | None = None,
    path: str = "",
    readonly: bool = False,
) -> ops.Cache:
    """Mount a directory that the daemon keeps between builds.

    ``id`` names it, by default the cleaned target. ``sharing`` is ``shared``,
    ``private`` (a second build gets another one) or ``locked`` (it waits).
    ``source`` is what a new cache starts with, ``path`` a subdirectory of it.
    """
    check_mount_target(target)
    return ops.Cache(
        target=target,
        id=clean(target) if id is None else _not_empty(id, "cache id"),
        sharing=choice(ops.CacheSharing, sharing, "sharing"),
        source=None if source is None else source.output,
        selector=path,
        readonly=readonly,
    )


def tmpfs(target: str, *, size: int = 0) -> ops.Tmpfs:
    """Mount memory at ``target``, at most ``size`` bytes of it (0: no limit of its own)."""
    return ops.Tmpfs(target=check_mount_target(target), size=check_limit(size, "tmpfs size"))


def secret(
    id: str,  # noqa: A002 - BuildKit's word
    *,
    target: str | None = None,
    env: str | None = None,
    uid: int = 0,
    gid: int = 0,
    mode: int = SECRET_MODE,
    optional: bool = False,
    cache_key: str | None = None,
) -> ops.Secret:
    """Give the process the client's secret ``id``, as a file, a variable, or both.

    Without ``target`` and ``env`` it is the file ``/run/secrets/ID``. A missing
    secret fails the build unless ``optional``.

    A secret that changes leaves the cache valid, unless ``cache_key`` is given: a text
    that changes with it, as its version or the day of its rotation. A digest of that
    text, not the text, stands in the definition and in the process's environment, as
    ``LLB_SECRET_KEY_`` and the id. Do not make it of a secret that can be guessed.
    """
    _not_empty(id, "secret id")
    if target is None and env is None:
        target = SECRETS + id
    return ops.Secret(
        id=id,
        target=None if target is None else check_mount_target(target),
        env=env,
        uid=check_id(uid, "uid"),
        gid=check_id(gid, "gid"),
        mode=check_mode(mode),
        optional=optional,
        cache_key=cache_key,
    )


def cache_key_variable(mount: ops.Secret) -> tuple[str, str]:
    """Return the variable that stands for the cache key of a secret, and its value."""
    name = re.sub(r"[^A-Z0-9_]", "_", mount.id.upper())
    text = f"{mount.id}\0{mount.cache_key}"
    return f"LLB_SECRET_KEY_{name}", sha256_of(text.encode())[:16]


def ssh(
    id: str = "default",  # noqa: A002 - BuildKit's word
    *,
    target: str | None = None,
    uid: int = 0,
    gid: int = 0,
    mode: int = SSH_MODE,
    optional: bool = False,
) -> ops.SSH:
    """Give the process the client's ssh agent ``id`` as a socket.

    ``SSH_AUTH_SOCK`` names the first such socket unless the environment has it.
    Without ``target`` the socket is ``/run/buildkit/ssh_agent.N``.
    """
    return ops.SSH(
        id=_not_empty(id, "ssh id"),
        target=None if target is None else check_mount_target(target),
        uid=check_id(uid, "uid"),
        gid=check_id(gid, "gid"),
        mode=check_mode(mode),
        optional=optional,
    )


def _not_empty(value: str, what: str) -> str:
    if not value:
        raise InvalidValueError(f"invalid {what} '': expected a name")
    return value
