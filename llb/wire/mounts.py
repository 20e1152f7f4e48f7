"""Mounts of a process: trees, caches, memory, and what the client gives."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, assert_never

from llb.definition.protobuf import message, number, number_tag, tag, text
from llb.ops.nodes import SSH, Bind, Cache, CacheSharing, ContentCache, Mount, Secret, Tmpfs
from llb.wire.inputs import NONE

if TYPE_CHECKING:
    from llb.ops.nodes import Output

_MOUNTS = tag(2)
_INPUT, _SELECTOR, _DEST = number_tag(1), tag(2), tag(3)
_OUTPUT, _READONLY, _TYPE = number_tag(4), number_tag(5), number_tag(6)
_TMPFS_OPT, _CACHE_OPT, _SECRET_OPT, _SSH_OPT = tag(19), tag(20), tag(21), tag(22)
_CONTENT_CACHE = number_tag(24)
_TYPE_SECRET, _TYPE_SSH = number(_TYPE, 1), number(_TYPE, 2)
_TYPE_CACHE, _TYPE_TMPFS = number(_TYPE, 3), number(_TYPE, 4)

_ID, _UID, _GID, _MODE, _OPTIONAL = tag(1), *map(number_tag, range(2, 6))
_SHARING, _SIZE = number_tag(2), number_tag(1)
_SECOND = tag(2)
_THIRD_FLAG = number_tag(3)

_BIND_CAPS = ("exec.mount.bind",)
_CACHE_CAPS = ("exec.mount.cache", "exec.mount.cache.sharing")


def encode_mount(mount: Mount, source: int, output: int) -> tuple[bytes, tuple[str, ...]]:
    """Return a mount of pb.ExecOp by the numbers of its input and output, and its capabilities."""
    match mount:
        case Bind():
            caps: tuple[str, ...] = () if mount.source is None else _BIND_CAPS
            selector, readonly, kind, options = mount.selector, mount.readonly, b"", b""
            content_cache = mount.content_cache
        case Cache():
            caps = _CACHE_CAPS
            selector, readonly, kind = mount.selector, mount.readonly, _TYPE_CACHE
            sharing = 0 if mount.sharing is CacheSharing.SHARED else mount.sharing.value
            options = message(_CACHE_OPT, text(_ID, mount.id) + number(_SHARING, sharing))
            content_cache = mount.content_cache
        case Tmpfs():
            caps = ("exec.mount.tmpfs", "exec.mount.tmpfs.size")[: 2 if mount.size > 0 else 1]
            selector, readonly, kind = mount.selector, mount.readonly, _TYPE_TMPFS
            options = message(_TMPFS_OPT, number(_SIZE, mount.size))
            content_cache = ContentCache.DEFAULT
        case _:
            assert_never(mount)
    if selector:
        caps = (*caps, "exec.mount.selector")
    if content_cache is not ContentCache.DEFAULT:
        options += number(_CONTENT_CACHE, content_cache.value)
        caps = (*caps, "exec.mount.cache.content")
    return _mount(source, selector, mount.target, output, readonly, kind, options), caps


# Builds mount the same few directories into many steps.
@lru_cache(maxsize=1024)
def _mount(
    source: int,
    selector: str,
    target: str,
    output: int,
    readonly: bool,  # noqa: FBT001 - fields in their order
    kind: bytes,
    options: bytes,
) -> bytes:
    return message(
        _MOUNTS,
        number(_INPUT, source)
        + text(_SELECTOR, selector)
        + text(_DEST, target)
        + number(_OUTPUT, output)
        + number(_READONLY, readonly)
        + kind
        + options,
    )


def encode_root(root: Output | None, source: int, *, readonly: bool) -> bytes:
    """Return the mount of the root, whose output is the first where it can be written."""
    return encode_mount(Bind("/", root, readonly=readonly), source, -1 if readonly else 0)[0]


def encode_secret_file(secret: Secret, target: str) -> bytes:
    """Return the mount of a secret."""
    return _client_mount(target, _TYPE_SECRET, _SECRET_OPT, secret)


def encode_agent(agent: SSH, target: str) -> bytes:
    """Return the mount of an ssh agent's socket."""
    return _client_mount(target, _TYPE_SSH, _SSH_OPT, agent)


def encode_secret_variable(secret: Secret, variable: str) -> bytes:
    """Return the content of a pb.SecretEnv."""
    optional = number(_THIRD_FLAG, secret.optional)
    return text(_ID, secret.id) + text(_SECOND, variable) + optional


def _client_mount(target: str, kind: bytes, options_tag: bytes, mount: Secret | SSH) -> bytes:
    """Return what the client gives: an input of its own it has not, but output 0 it says."""
    options = (
        text(_ID, mount.id)
        + number(_UID, mount.uid)
        + number(_GID, mount.gid)
        + number(_MODE, mount.mode)
        + number(_OPTIONAL, mount.optional)
    )
    return _mount(NONE, "", target, 0, False, kind, message(options_tag, options))  # noqa: FBT003
