"""RUN as a call, with what it mounts."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.instructions.heredoc_command import heredoc_command
from llb.dockerfile.instructions.mounts import parse_mount
from llb.dockerfile.to_python.code_layout import Expr, Hole, Items, Raw, Word, call, text, texts
from llb.dockerfile.to_python.refusal import Refusal
from llb.dockerfile.to_python.sources import source, takes_part
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


def run(body: Body, instruction: Run) -> None:
    """Write a RUN. Raises Refusal."""
    if instruction.devices:
        raise Refusal("RUN --device is for Docker's labs channel alone")
    command, mounts = _command(instruction)
    mounts += [_mount(body, flag) for flag in instruction.mounts]
    body.add(
        call(
            "run",
            command,
            mounts=Items(tuple(mounts)) if mounts else None,
            network=_unless(DEFAULT_NETWORK, instruction.network),
            security=_unless(DEFAULT_SECURITY, instruction.security),
        )
    )


def _command(instruction: Run) -> tuple[Expr, list[Expr]]:
    """Write the command, and the mount of its script."""
    if not instruction.shell:
        if not "".join(instruction.args) or any(map(has_octets, instruction.args)):
            raise Refusal("a command of nothing, or that is no text")
        return texts(instruction.args), []
    line, script = _line(instruction)
    if not line.strip() or has_octets(line + script):
        raise Refusal("a command of nothing, or that is no text")
    if not script:
        return text(line), []
    name = posixpath.basename(line)
    file = call("docker.scratch().mkfile", text(name), text(script), mode=Raw(oct(SCRIPT_MODE)))
    root, readonly = text("/"), Raw("True")
    return text(line), [call("bind", file, text(SCRIPTS), path=root, readonly=readonly)]


def _line(instruction: Run) -> tuple[str, str]:
    """Return the line for the shell, and the script that it runs, if it runs one."""
    if not instruction.heredocs:
        return " ".join(instruction.args), ""
    command = heredoc_command(instruction)
    if command.body is None or not command.is_script:
        return command.line, ""
    name = command.body.name
    if "/" in name or clean(name) != name:
        raise Refusal("the name of a here-document that is a path")
    return command.line, command.body.chomped


def _mount(body: Body, flag: MountFlag) -> Expr:
    here = body.here
    try:
        mount = parse_mount(flag, here.marked)
    except errors.DockerfileError as error:
        raise Refusal(f"--mount: {error.message}") from error
    match mount.kind:
        case "secret":
            return _secret(here, mount)
        case "ssh":
            return _ssh(here, mount)
        case "tmpfs":
            return _tmpfs(body, here, mount, flag)
        case "cache":
            return _cache(body, here, mount, flag)
        case _:
            return _bind(body, here, mount, flag)


def _target(body: Body, here: Expansion, mount: Mount) -> Word:
    target = mount.target
    word = here.marks.word(target)
    is_open = bool(word.parts) and not isinstance(word.parts[0], str)
    if not is_open and not clean(target).startswith("/"):
        if body.cwd is None:
            return _beside(word)
        target = absolute(body.cwd, target)
    if clean(target) == "/":
        raise Refusal("a mount at the root")
    return here.marks.word(target)


def _beside(target: Word) -> Word:
    """Return a target in the directory that the base says."""
    if target.constant is None or clean(target.constant).startswith(".."):
        raise Refusal("a mount beside the directory of the base")
    path = clean(target.constant)
    return Word.of(Hole("tree.cwd" if path == "." else f"posixpath.join(tree.cwd, {path!r})"))


def _path(here: Expansion, mount: Mount) -> Expr | None:
    if here.marks.word(mount.source).constant is None:
        raise Refusal("a variable in the source of a mount")
    selector = mount_selector(mount.source)
    return text(selector) if selector else None


def _bind(body: Body, here: Expansion, mount: Mount, flag: MountFlag) -> Expr:
    tree = source(body, flag.stage, numbers=False)
    ending = {"readonly" if mount.readonly else "discard": Raw("True")}
    return call("bind", tree, _target(body, here, mount), path=_path(here, mount), **ending)


def _cache(body: Body, here: Expansion, mount: Mount, flag: MountFlag) -> Expr:
    target = _target(body, here, mount)
    name = mount.id
    if not name and here.marks.word(mount.target) != target:
        name = clean(mount.target)
    return call(
        "docker.cache",
        target,
        id=here.marks.word(name) if name else None,
        sharing=_unless(DEFAULT_SHARING, mount.sharing or DEFAULT_SHARING),
        source=None if flag.stage is None else source(body, flag.stage, numbers=False),
        path=_path(here, mount),
        readonly=Raw("True") if mount.readonly else None,
        **_numbers(mount),
    )


def _tmpfs(body: Body, here: Expansion, mount: Mount, flag: MountFlag) -> Expr:
    if mount.source or mount.readonly or flag.stage is not None:
        raise Refusal("a source or an access of memory")
    if takes_part(body.model):
        # Docker notes that all of the context is used.
        raise Refusal("memory that is mounted, for which Docker sends the whole context")
    size = Raw(str(mount.size)) if mount.size else None
    return call("tmpfs", _target(body, here, mount), size=size)


def _secret(here: Expansion, mount: Mount) -> Expr:
    name = mount.secret_id
    target = mount.target or None
    if mount.env is None and target is None:
        target = secret_target(name)
    # The default of :func:`llb.secret`.
    if target == SECRETS + name and mount.env is None:
        target = None
    if not name or (target is not None and not target.startswith("/")) or mount.access:
        raise Refusal("a secret at a relative path")
    return call(
        "secret",
        here.marks.word(name),
        target=None if target is None else here.marks.word(target),
        env=None if mount.env is None else here.marks.word(mount.env),
        **_numbers(mount, SECRET_MODE),
        optional=None if mount.required else Raw("True"),
    )


def _ssh(here: Expansion, mount: Mount) -> Expr:
    if mount.source:
        raise Refusal("a source of an ssh agent")
    return call(
        "docker.ssh",
        id=here.marks.word(mount.id) if mount.id else None,
        target=here.marks.word(mount.target) if mount.target else None,
        **_numbers(mount, SSH_MODE),
        required=Raw("True") if mount.required else None,
    )


def _numbers(mount: Mount, default_mode: int | None = None) -> dict[str, Expr | None]:
    """Write owner and mode, as far as they differ from the default."""
    mode = None if mount.mode in (None, default_mode) else Raw(f"0o{mount.mode:o}")
    numbers = {"uid": mount.uid, "gid": mount.gid}
    return {
        **{key: None if value is None else Raw(str(value)) for key, value in numbers.items()},
        "mode": mode,
    }


def _unless(default: str, value: str) -> Expr | None:
    return None if value == default else text(value)
