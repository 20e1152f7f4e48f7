"""RUN as a call, with what it mounts."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from llb.dockerfile.errors import catalogue as errors
from llb.dockerfile.instructions.mounts import parse_mount
from llb.dockerfile.parser.parser import parse_heredoc
from llb.dockerfile.to_llb.run_mounts import secret_id
from llb.dockerfile.to_python.code_layout import Expr, Hole, Items, Raw, Word, call, text, texts
from llb.dockerfile.to_python.refusal import Refusal
from llb.dockerfile.to_python.sources import source, takes_part
from llb.gocompat.path import absolute, clean, join
from llb.gocompat.utf8 import has_octets

if TYPE_CHECKING:
    from llb.dockerfile.instructions.mounts import Mount, MountFlag
    from llb.dockerfile.instructions.nodes import Run
    from llb.dockerfile.to_python.expansion import Expansion
    from llb.dockerfile.to_python.function_body import Body

_PIPES = "/dev/pipes/"
_SECRETS = "/run/secrets/"
_SECRET_MODE, _SSH_MODE = 0o400, 0o600


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
            network=None if instruction.network == "default" else text(instruction.network),
            security=None if instruction.security == "sandbox" else text(instruction.security),
        )
    )


def _command(instruction: Run) -> tuple[Expr, list[Expr]]:
    """Return what is run, and what that needs mounted."""
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
    file = call("docker.scratch().mkfile", text(name), text(script), mode=Raw("0o755"))
    root, readonly = text("/"), Raw("True")
    return text(line), [call("bind", file, text(_PIPES), path=root, readonly=readonly)]


def _line(instruction: Run) -> tuple[str, str]:
    """Return what the shell is given, and the script that this runs, if it is one."""
    if not instruction.heredocs:
        return " ".join(instruction.args), ""
    (line,) = instruction.args
    first = instruction.heredocs[0]
    if parse_heredoc(line) is None:
        return line + "".join(f"\n{each.content}{each.name}" for each in instruction.heredocs), ""
    if not first.chomped.startswith("#!"):
        return first.chomped, ""
    if "/" in first.name or clean(first.name) != first.name:
        raise Refusal("the name of a here-document that is a path")
    return join(_PIPES, first.name), first.chomped


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
    path = join("/", mount.source)
    return None if path == "/" else text(path)


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
        sharing=text(mount.sharing) if mount.sharing not in ("", "shared") else None,
        source=None if flag.stage is None else source(body, flag.stage, numbers=False),
        path=_path(here, mount),
        readonly=Raw("True") if mount.readonly else None,
        **_numbers(mount, 0o10000),
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
    name = secret_id(mount)
    target = mount.target or None
    if mount.env is None and target is None and "/" in name:
        target = _SECRETS + posixpath.basename(clean(name))
    if target == f"{_SECRETS}{name}" and mount.env is None:
        target = None
    if not name or (target is not None and not target.startswith("/")) or mount.access:
        raise Refusal("a secret at a relative path")
    return call(
        "secret",
        here.marks.word(name),
        target=None if target is None else here.marks.word(target),
        env=None if mount.env is None else here.marks.word(mount.env),
        **_numbers(mount, _SECRET_MODE),
        optional=None if mount.required else Raw("True"),
    )


def _ssh(here: Expansion, mount: Mount) -> Expr:
    if mount.source:
        raise Refusal("a source of an ssh agent")
    return call(
        "docker.ssh",
        id=here.marks.word(mount.id) if mount.id else None,
        target=here.marks.word(mount.target) if mount.target else None,
        **_numbers(mount, _SSH_MODE),
        required=Raw("True") if mount.required else None,
    )


def _numbers(mount: Mount, usual: int) -> dict[str, Expr | None]:
    """Return owner and mode as far as they are not what they are by themselves."""
    mode = None if mount.mode in (None, usual) else Raw(f"0o{mount.mode:o}")
    numbers = {"uid": mount.uid, "gid": mount.gid}
    return {
        **{key: None if value is None else Raw(str(value)) for key, value in numbers.items()},
        "mode": mode,
    }
