"""What RUN mounts: trees, caches, memory, secrets and ssh agents."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from llb import bind, cache, mkdir
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.instructions.mounts import Mount, parse_mount
from llb.gocompat.path import absolute, clean, join
from llb.ops.nodes import SSH, Secret, Tmpfs

if TYPE_CHECKING:
    from llb import State
    from llb.dockerfile.instructions.nodes import Run
    from llb.dockerfile.to_llb.local_context import Context
    from llb.dockerfile.to_llb.stage_state import Conversion, StageResult
    from llb.errors import Span
    from llb.state.settings import MountValue

_SECRETS = "/run/secrets/"
_SECRET_MODE = 0o400
_SSH_MODE = 0o600
_CACHE_MODE = 0o755
_CACHE = "/cache"
_SET_OWNER = "[internal] setting cache mount permissions"


def parse_mounts(
    conversion: Conversion, result: StageResult, instruction: Run
) -> tuple[Mount, ...]:
    """Return the mounts of an instruction with their variables replaced."""
    if not instruction.mounts:
        return ()
    env = result.env
    word = conversion.expander.word
    return tuple(parse_mount(flag, lambda text: word(text, env)) for flag in instruction.mounts)


def mount_values(
    conversion: Conversion,
    result: StageResult,
    instruction: Run,
    mounts: tuple[Mount, ...],
) -> list[MountValue]:
    """Return the mounts as LLB has them."""
    values: list[MountValue] = []
    for place, mount in enumerate(mounts):
        match mount.kind:
            case "secret":
                values.append(_secret(mount))
            case "ssh":
                values.append(_ssh(mount, instruction.mounts[place].span))
            case _:
                values.append(_tree(conversion, result, instruction, place, mount))
    return values


def _tree(
    conversion: Conversion,
    result: StageResult,
    instruction: Run,
    place: int,
    mount: Mount,
) -> MountValue:
    flag = instruction.mounts[place]
    target = mount.target
    if not clean(target).startswith("/"):
        target = absolute(result.state.cwd, target)
    if target == "/":
        raise errors.bad_mount_target(flag.span, target)
    if flag.stage is None and mount.kind != "cache":
        source: StageResult | Context = conversion.context
    else:
        stage = result.stage.needs[instruction, place]
        if stage.begin is not None and stage not in conversion.results:
            raise errors.mount_of_later_stage(flag.span, instruction.stages[place], mount.target)
        source = conversion.source_of(result, instruction, place)
    source.use(mount.source)
    if mount.kind == "tmpfs":
        # Docker hands on a source and a mode that mean nothing, which the library's own
        # function for people does not take.
        return Tmpfs(target, mount.size, _path(mount), mount.readonly)
    tree, path = _part(mount, source.state)
    if mount.kind == "bind":
        return bind(tree, target, path=path, readonly=mount.readonly, discard=not mount.readonly)
    return cache(
        target,
        id=f"{conversion.options.cache_namespace}/{mount.id or clean(mount.target)}",
        sharing=mount.sharing or "shared",
        source=tree,
        path=path,
        readonly=mount.readonly,
    )


def _part(mount: Mount, tree: State) -> tuple[State, str]:
    """Return the tree of a mount and the path in it, a new directory where it has an owner."""
    path = _path(mount)
    if path or not mount.has_owner:
        return tree, path
    mode = _CACHE_MODE if mount.mode is None else mount.mode
    made = mkdir(_CACHE, mode=mode, owner=f"{mount.uid or 0}:{mount.gid or 0}")
    return tree.file(made, name=_SET_OWNER, locations=()), _CACHE


def _path(mount: Mount) -> str:
    """Return the path in the tree that is mounted, empty for all of it."""
    path = join("/", mount.source)
    return "" if path == "/" else path


def secret_id(mount: Mount) -> str:
    """Return the name by which a secret is asked for."""
    return mount.source or mount.id or _name(mount.target)


def _secret(mount: Mount) -> MountValue:
    id_ = secret_id(mount)
    target = mount.target or None
    if mount.env is None and target is None:
        target = _SECRETS + _name(id_)
    # The library's own function for people refuses a relative target.
    return Secret(
        id=id_,
        target=target,
        env=mount.env,
        uid=mount.uid or 0,
        gid=mount.gid or 0,
        mode=_SECRET_MODE if mount.mode is None else mount.mode,
        optional=not mount.required,
    )


def _ssh(mount: Mount, span: Span) -> MountValue:
    if mount.source:
        raise errors.bad_mount(span, "ssh does not support source")
    # The daemon knows the default agent by an empty name, which the library's own
    # function for people does not take.
    return SSH(
        id=mount.id,
        target=mount.target or None,
        uid=mount.uid or 0,
        gid=mount.gid or 0,
        mode=_SSH_MODE if mount.mode is None else mount.mode,
        optional=not mount.required,
    )


def _name(path: str) -> str:
    return posixpath.basename(clean(path)) or "/"
