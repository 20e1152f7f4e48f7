"""Convert RUN and its mounts to calls."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.instructions.heredoc_command import heredoc_command
from llb.dockerfile.instructions.mounts import parse_mount
from llb.dockerfile.to_python.code_layout import (
    Expr,
    Interpolation,
    Items,
    Raw,
    Word,
    call,
    literal,
    string_list,
)
from llb.dockerfile.to_python.not_expressible import NotExpressible
from llb.dockerfile.to_python.sources import source_tree, uses_part_of_context
from llb.dockerfile_rules.run import (
    DEFAULT_NETWORK,
    DEFAULT_SECURITY,
    DEFAULT_SHARING,
    SCRIPT_MODE,
    SCRIPTS,
    mount_selector,
    secret_target,
)
from llb.gocompat.path import absolute, clean
from llb.gocompat.utf8 import has_octets
from llb.ops.defaults import SECRET_MODE, SECRETS, SSH_MODE

if TYPE_CHECKING:
    from llb.dockerfile.instructions.mounts import Mount, MountFlag
    from llb.dockerfile.instructions.nodes import Run
    from llb.dockerfile.to_python.expansion import Expansion
    from llb.dockerfile.to_python.function_body import Body
    from llb.ops.nodes import Device


def run(body: Body, instruction: Run) -> None:
    """Convert a RUN. Raises NotExpressible."""
    command, mounts = _command(instruction)
    mounts += [_mount(body, flag) for flag in instruction.mounts]
    devices = tuple(map(_device, instruction.devices))
    body.add(
        call(
            "run",
            command,
            mounts=Items(tuple(mounts)) if mounts else None,
            network=_unless_default(DEFAULT_NETWORK, instruction.network),
            security=_unless_default(DEFAULT_SECURITY, instruction.security),
            devices=Items(devices) if devices else None,
        )
    )


def _command(instruction: Run) -> tuple[Expr, list[Expr]]:
    """Convert the command, and the mount of its script, if any."""
    if not instruction.shell:
        if not "".join(instruction.args) or any(map(has_octets, instruction.args)):
            raise NotExpressible("a command that is empty or not UTF-8")
        return string_list(instruction.args), []
    line, script = _split_script(instruction)
    if not line.strip() or has_octets(line + script):
        raise NotExpressible("a command that is empty or not UTF-8")
    if not script:
        return literal(line), []
    name = posixpath.basename(line)
    file = call(
        "instructions.scratch().mkfile", literal(name), literal(script), mode=Raw(oct(SCRIPT_MODE))
    )
    root, readonly = literal("/"), Raw("True")
    return literal(line), [call("bind", file, literal(SCRIPTS), path=root, readonly=readonly)]


def _split_script(instruction: Run) -> tuple[str, str]:
    """Split a RUN into the command line and the script that it runs, if any."""
    if not instruction.heredocs:
        return " ".join(instruction.args), ""
    command = heredoc_command(instruction)
    if command.body is None or not command.is_script:
        return command.line, ""
    name = command.body.name
    if "/" in name or clean(name) != name:
        raise NotExpressible("a heredoc whose name is a path")
    return command.line, command.body.chomped


def _mount(body: Body, flag: MountFlag) -> Expr:
    expansion = body.expansion
    try:
        mount = parse_mount(flag, expansion.encode)
    except errors.DockerfileError as error:
        raise NotExpressible(f"--mount: {error.message}") from error
    match mount.kind:
        case "secret":
            return _secret(expansion, mount)
        case "ssh":
            return _ssh(expansion, mount)
        case "tmpfs":
            return _tmpfs(body, expansion, mount, flag)
        case "cache":
            return _cache(body, expansion, mount, flag)
        case _:
            return _bind(body, expansion, mount, flag)


def _target(body: Body, expansion: Expansion, mount: Mount) -> Word:
    target = mount.target
    target_word = expansion.placeholders.decode(target)
    starts_with_variable = bool(target_word.parts) and not isinstance(target_word.parts[0], str)
    if not starts_with_variable and not clean(target).startswith("/"):
        if body.cwd is None:
            return _relative_target(target_word)
        target = absolute(body.cwd, target)
    if clean(target) == "/":
        raise NotExpressible("a mount at /")
    return expansion.placeholders.decode(target)


def _relative_target(target: Word) -> Word:
    """Write a target relative to the working directory of the base."""
    if target.constant is None or clean(target.constant).startswith(".."):
        raise NotExpressible("a mount target that may be outside the base's working directory")
    path = clean(target.constant)
    return Word.of(
        Interpolation("tree.cwd" if path == "." else f"posixpath.join(tree.cwd, {path!r})")
    )


def _path(expansion: Expansion, mount: Mount) -> Expr | None:
    if expansion.placeholders.decode(mount.source).constant is None:
        raise NotExpressible("a variable in the source of a mount")
    selector = mount_selector(mount.source)
    return literal(selector) if selector else None


def _bind(body: Body, expansion: Expansion, mount: Mount, flag: MountFlag) -> Expr:
    tree = source_tree(body, flag.stage, numbers=False)
    access = {"readonly" if mount.readonly else "discard": Raw("True")}
    return call(
        "bind", tree, _target(body, expansion, mount), path=_path(expansion, mount), **access
    )


def _cache(body: Body, expansion: Expansion, mount: Mount, flag: MountFlag) -> Expr:
    target = _target(body, expansion, mount)
    name = mount.id
    if not name and expansion.placeholders.decode(mount.target) != target:
        name = clean(mount.target)
    return call(
        "instructions.cache",
        target,
        id=expansion.placeholders.decode(name) if name else None,
        sharing=_unless_default(DEFAULT_SHARING, mount.sharing or DEFAULT_SHARING),
        source=None if flag.stage is None else source_tree(body, flag.stage, numbers=False),
        path=_path(expansion, mount),
        readonly=Raw("True") if mount.readonly else None,
        **_owner_and_mode(mount),
    )


def _tmpfs(body: Body, expansion: Expansion, mount: Mount, flag: MountFlag) -> Expr:
    if mount.source or mount.readonly or flag.stage is not None:
        raise NotExpressible("a tmpfs mount with source=, from= or readonly")
    if uses_part_of_context(body.model):
        # Docker then records that the whole context is used.
        raise NotExpressible("a tmpfs mount, for which Docker sends the whole build context")
    size = Raw(str(mount.size)) if mount.size else None
    return call("tmpfs", _target(body, expansion, mount), size=size)


def _secret(expansion: Expansion, mount: Mount) -> Expr:
    name = mount.secret_id
    target = mount.target or None
    if mount.env is None and target is None:
        target = secret_target(name)
    # The default of :func:`llb.secret`.
    if target == SECRETS + name and mount.env is None:
        target = None
    if not name or (target is not None and not target.startswith("/")) or mount.access:
        raise NotExpressible("a secret mount with a relative target, without an ID, or with ro/rw")
    return call(
        "secret",
        expansion.placeholders.decode(name),
        target=None if target is None else expansion.placeholders.decode(target),
        env=None if mount.env is None else expansion.placeholders.decode(mount.env),
        **_owner_and_mode(mount, SECRET_MODE),
        optional=None if mount.required else Raw("True"),
    )


def _ssh(expansion: Expansion, mount: Mount) -> Expr:
    if mount.source:
        raise NotExpressible("an ssh mount with source=")
    return call(
        "instructions.ssh",
        id=expansion.placeholders.decode(mount.id) if mount.id else None,
        target=expansion.placeholders.decode(mount.target) if mount.target else None,
        **_owner_and_mode(mount, SSH_MODE),
        required=Raw("True") if mount.required else None,
    )


def _owner_and_mode(mount: Mount, default_mode: int | None = None) -> dict[str, Expr | None]:
    """Write uid, gid and mode unless they are the default."""
    mode = None if mount.mode in (None, default_mode) else Raw(f"0o{mount.mode:o}")
    owner = {"uid": mount.uid, "gid": mount.gid}
    return {
        **{key: None if value is None else Raw(str(value)) for key, value in owner.items()},
        "mode": mode,
    }


def _device(device: Device) -> Expr:
    return call("Device", literal(device.name), optional=Raw("True") if device.optional else None)


def _unless_default(default: str, value: str) -> Expr | None:
    return None if value == default else literal(value)
