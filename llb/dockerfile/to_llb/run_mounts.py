"""Convert the mounts of RUN: trees, caches, tmpfs, secrets and SSH agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, cast

from llb import bind, cache
from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.instructions.mounts import Mount, parse_mount
from llb.dockerfile.sources.windows_paths import is_absolute
from llb.dockerfile_rules.run import (
    CACHE_FOLDER,
    DEFAULT_SHARING,
    cache_id,
    mount_selector,
    new_cache,
    secret_target,
)
from llb.gocompat.fmt import quote
from llb.gocompat.path import absolute, clean
from llb.ops.defaults import SECRET_MODE, SSH_MODE
from llb.ops.nodes import SSH, Secret, Tmpfs

if TYPE_CHECKING:
    from llb import State
    from llb.buildkit_names import SharingName
    from llb.dockerfile.instructions.nodes import Run
    from llb.dockerfile.to_llb.local_context import Context
    from llb.dockerfile.to_llb.stage_state import Conversion, StageResult
    from llb.errors import Span
    from llb.state.settings import MountValue
    from llb.state.step_options import StepOptions

_SET_OWNER = "[internal] setting cache mount permissions"


def parse_mounts(
    conversion: Conversion, result: StageResult, instruction: Run
) -> tuple[Mount, ...]:
    """Parse the mounts of an instruction, and replace their variables."""
    if not instruction.mounts:
        return ()
    env = result.env
    word = conversion.expander.word
    return tuple(
        parse_mount(flag, lambda value: word(value, env), is_windows=result.is_windows)
        for flag in instruction.mounts
    )


def mount_values(
    conversion: Conversion,
    result: StageResult,
    instruction: Run,
    mounts: tuple[Mount, ...],
) -> list[MountValue]:
    """Convert the mounts to those of LLB."""
    values: list[MountValue] = []
    for index, mount in enumerate(mounts):
        match mount.kind:
            case "secret":
                if result.is_windows:
                    _check_windows_secret(mount, instruction.mounts[index].span)
                values.append(_convert_secret(mount))
            case "ssh":
                values.append(_convert_ssh(mount, instruction.mounts[index].span))
            case _:
                values.append(_convert_tree(conversion, result, instruction, index, mount))
    return values


def _convert_tree(
    conversion: Conversion,
    result: StageResult,
    instruction: Run,
    index: int,
    mount: Mount,
) -> MountValue:
    flag = instruction.mounts[index]
    target = mount.target
    if not clean(target).startswith("/"):
        target = absolute(result.state.cwd, target)
    if target == "/":
        raise errors.bad_mount_target(flag.span, target)
    if flag.stage is None and mount.kind != "cache":
        source: StageResult | Context = conversion.context
    else:
        stage = result.stage.needs[instruction, index]
        if stage.begin is not None and stage not in conversion.results:
            raise errors.mount_of_later_stage(flag.span, instruction.stages[index], mount.target)
        source = conversion.source_of(result, instruction, index)
    source.use(mount.source)
    if mount.kind == "tmpfs":
        # Docker passes on a source and a read-only flag that have no effect. The public
        # function does not accept them.
        return Tmpfs(target, mount.size, mount_selector(mount.source), mount.readonly)
    tree, path = _select_path(mount, source.state)
    if mount.kind == "bind":
        return bind(tree, target, path=path, readonly=mount.readonly, discard=not mount.readonly)
    return cache(
        target,
        id=cache_id(conversion.options.cache_namespace, mount.id, mount.target),
        sharing=cast("SharingName", mount.sharing or DEFAULT_SHARING),
        source=tree,
        path=path,
        readonly=mount.readonly,
    )


def _select_path(mount: Mount, tree: State) -> tuple[State, str]:
    """Choose the tree of a mount and the path in it; one with an owner gets a new directory."""
    selector = mount_selector(mount.source)
    if selector or not mount.has_owner:
        return tree, selector
    step: StepOptions = {"name": _SET_OWNER, "locations": ()}
    return new_cache(tree, mount.uid, mount.gid, mount.mode, **step), CACHE_FOLDER


def _check_windows_secret(mount: Mount, span: Span) -> None:
    """Refuse a secret without a place for its file, which on Windows has no default."""
    example = f"e.g. --mount=type=secret,id={mount.secret_id},target=C:/path/to/secret"
    if mount.target and not is_absolute(mount.target):
        raise errors.bad_mount(
            span,
            f"secret target {quote(mount.target)} must be an absolute path with forward slashes "
            f"on Windows, {example}",
        )
    if mount.env is None and not mount.target:
        raise errors.bad_mount(span, f"secret target is required on Windows, {example}")


def _convert_secret(mount: Mount) -> MountValue:
    name, target = mount.secret_id, mount.target or None
    if mount.env is None and target is None:
        target = secret_target(name)
    # The public function refuses a relative target.
    return Secret(
        id=name,
        target=target,
        env=mount.env,
        optional=not mount.required,
        **_owner_options(mount, SECRET_MODE),
    )


def _convert_ssh(mount: Mount, span: Span) -> MountValue:
    if mount.source:
        raise errors.bad_mount(span, "ssh does not support source")
    # An empty id is the default agent of the daemon; the public function does not accept it.
    return SSH(
        id=mount.id,
        target=mount.target or None,
        optional=not mount.required,
        **_owner_options(mount, SSH_MODE),
    )


class _OwnerOptions(TypedDict):
    uid: int
    gid: int
    mode: int


def _owner_options(mount: Mount, default: int) -> _OwnerOptions:
    mode = default if mount.mode is None else mount.mode
    return {"uid": mount.uid or 0, "gid": mount.gid or 0, "mode": mode}
