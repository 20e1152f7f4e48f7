"""Encode the mounts of a process: trees, caches, tmpfs, and the client's secrets and SSH agents."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, assert_never

from llb import ops_proto as pb
from llb.ops.nodes import Bind, Cache, ContentCache, Mount, Tmpfs
from llb.wire.inputs import NONE, SKIP_OUTPUT

if TYPE_CHECKING:
    from llb.ops.nodes import SSH, Secret

_SECRET = pb.Mount.mountType(pb.MountType.SECRET)
_SSH = pb.Mount.mountType(pb.MountType.SSH)
_CACHE = pb.Mount.mountType(pb.MountType.CACHE)
_TMPFS = pb.Mount.mountType(pb.MountType.TMPFS)

_BIND_CAPS = ("exec.mount.bind",)
_CACHE_CAPS = ("exec.mount.cache", "exec.mount.cache.sharing")


def encode_mount(mount: Mount, source: int, output: int) -> tuple[bytes, tuple[str, ...]]:
    """Encode a mount, a field of ``pb.ExecOp``, and list its capabilities.

    ``source`` and ``output`` are the indexes of its input and output.
    """
    match mount:
        case Bind():
            caps: tuple[str, ...] = () if mount.source is None else _BIND_CAPS
            selector, readonly, kind, options = mount.selector, mount.readonly, b"", b""
            content_cache = mount.content_cache
        case Cache():
            caps = _CACHE_CAPS
            selector, readonly, kind = mount.selector, mount.readonly, _CACHE
            content = pb.CacheOpt.ID(mount.id) + pb.CacheOpt.sharing(mount.sharing.value)
            options = pb.Mount.cacheOpt(content)
            content_cache = mount.content_cache
        case Tmpfs():
            caps = ("exec.mount.tmpfs", "exec.mount.tmpfs.size")[: 2 if mount.size > 0 else 1]
            selector, readonly, kind = mount.selector, mount.readonly, _TMPFS
            options = pb.Mount.TmpfsOpt(pb.TmpfsOpt.size(mount.size))
            content_cache = ContentCache.DEFAULT
        case _:
            assert_never(mount)
    if selector:
        caps = (*caps, "exec.mount.selector")
    if content_cache is not ContentCache.DEFAULT:
        options += pb.Mount.contentCache(content_cache.value)
        caps = (*caps, "exec.mount.cache.content")
    return _mount(source, selector, mount.target, output, readonly, kind, options), caps


# Builds mount the same few directories into many steps.
@lru_cache(maxsize=1024)
def _mount(
    source: int,
    selector: str,
    target: str,
    output: int,
    readonly: bool,  # noqa: FBT001 - fields in protobuf order
    kind: bytes,
    options: bytes,
) -> bytes:
    return pb.ExecOp.mounts(
        pb.Mount.input(source)
        + pb.Mount.selector(selector)
        + pb.Mount.dest(target)
        + pb.Mount.output(output)
        + pb.Mount.readonly(readonly)
        + kind
        + options
    )


# Nearly all processes have one of two root mounts.
@cache
def encode_root(source: int, readonly: bool) -> bytes:  # noqa: FBT001 - a keyword costs 0.1 µs
    """Encode the mount of the root, whose output index is 0 if it is writable."""
    return _mount(source, "", "/", SKIP_OUTPUT if readonly else 0, readonly, b"", b"")


def encode_secret_file(secret: Secret, target: str) -> bytes:
    """Encode the mount of a secret, a field of ``pb.ExecOp``."""
    return _client_mount(target, _SECRET + pb.Mount.secretOpt(_access(pb.SecretOpt, secret)))


def encode_agent(agent: SSH, target: str) -> bytes:
    """Encode the mount of an SSH agent's socket, a field of ``pb.ExecOp``."""
    return _client_mount(target, _SSH + pb.Mount.SSHOpt(_access(pb.SSHOpt, agent)))


def _access(fields: type[pb.SecretOpt | pb.SSHOpt], mount: Secret | SSH) -> bytes:
    return (
        fields.ID(mount.id)
        + fields.uid(mount.uid)
        + fields.gid(mount.gid)
        + fields.mode(mount.mode)
        + fields.optional(mount.optional)
    )


def _client_mount(target: str, options: bytes) -> bytes:
    """Encode a mount that has no input; Go writes output 0 for it."""
    return pb.ExecOp.mounts(pb.Mount.input(NONE) + pb.Mount.dest(target) + options)
