"""Convert operations to the Dockerfile instructions that create them."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, TypeVar

from llb.buildkit_names import DEFAULT_SHELL, GIT_SCHEME
from llb.dockerfile.to_dockerfile.quoting import (
    NotExpressible,
    array,
    fields,
    flag,
    value,
    word,
    words,
)
from llb.dockerfile_rules.copy import HEREDOC_MODE, copies_paths, is_remote, parents_source
from llb.dockerfile_rules.permissions import to_chmod, to_chown
from llb.dockerfile_rules.run import CACHE_FOLDER, NETWORKS, SCRIPTS, SECURITIES
from llb.dockerfile_rules.workdir import is_workdir
from llb.ops import nodes as ops
from llb.ops.defaults import SECRET_MODE, SSH_MODE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.ops.nodes import Output

    # Finds the --from name of a tree; empty for the build context.
    FromName = Callable[[Output | None], str]

T = TypeVar("T")

_DELIMITER = "EOF"
_CLIENT_OPTION = "a client option, not part of a Dockerfile"


def convert_process(op: ops.ExecOp, from_name_of: FromName) -> str:
    """Convert a process to RUN. Raises NotExpressible."""
    process = op.process
    client_options = {
        "hostname": process.hostname,
        "extra hosts": process.extra_hosts,
        "ulimits": process.ulimits,
        "cgroup parent": process.cgroup_parent,
        "proxies": op.proxy,
    }
    for name, option in client_options.items():
        if option:
            raise NotExpressible(f"{name}: {_CLIENT_OPTION}")
    if op.readonly_root:
        raise NotExpressible("a process with a read-only root")
    if op.valid_exit_codes is not None:
        raise NotExpressible("exit codes other than 0")
    script = next((mount for mount in op.mounts if mount.target == SCRIPTS), None)
    other_mounts = [mount for mount in op.mounts if mount is not script]
    flags = [_mount(mount, from_name_of) for mount in other_mounts]
    flags += [_secret(secret) for secret in op.secrets] + [_ssh(secret) for secret in op.ssh]
    if process.network is not ops.Network.SANDBOX:
        flags.append(flag("network", _name_in(NETWORKS, process.network)))
    if process.security is not ops.Security.SANDBOX:
        flags.append(flag("security", _name_in(SECURITIES, process.security)))
    flags += map(_device, op.devices)
    return " ".join(["RUN", *flags, _command(op, script)])


def _name_in(names: Mapping[str, T | None], value: T) -> str:
    """Find the name of a value in a table of names."""
    return next(name for name, candidate in names.items() if candidate is value)


def _command(op: ops.ExecOp, script: ops.Mount | None) -> str:
    if script is not None:
        return _script(op, script)
    command = op.args[-1]
    if op.args[:-1] != DEFAULT_SHELL:
        return array(op.args)
    if "\n" not in command:
        is_plain = (
            command == command.strip()
            and not command.startswith(("[", "--"))
            and "<<" not in command
        )
        return (
            command
            if is_plain and not command.endswith("\\") and "\r" not in command
            else array(op.args)
        )
    lines = command.split("\n")
    if (
        lines[-1]
        or _DELIMITER in lines
        or command.startswith("#!")
        or "\r" in command
        or "\0" in command
    ):
        return array(op.args)
    return f"<<{_DELIMITER}\n{command}{_DELIMITER}"


def _script(op: ops.ExecOp, mount: ops.Mount) -> str:
    """Convert a mounted script to a heredoc."""
    source = mount.source.op if mount.source is not None else None
    if not isinstance(source, ops.FileOp) or op.args[:-1] != DEFAULT_SHELL:
        raise NotExpressible(f"a mount at {SCRIPTS}")
    (action,) = source.actions
    assert isinstance(action, ops.MkfileAction)
    name, content = posixpath.basename(op.args[-1]), action.data.decode()
    if name in content.split("\n") or not content.endswith("\n"):
        raise NotExpressible("a script that a heredoc cannot express")
    return f"<<{name}\n{content}{name}"


def _mount(mount: ops.Mount, from_name_of: FromName) -> str:
    match mount:
        case ops.Tmpfs(target, size, "", False):
            return fields("mount", type="tmpfs", target=target, size=str(size) if size else None)
        case ops.Bind() if mount.has_output:
            raise NotExpressible("a mount whose changes are kept")
        case ops.Bind(target, source, selector, readonly):
            return fields(
                "mount",
                type="bind",
                **{"from": from_name_of(source) or None},
                source=selector or None,
                target=target,
                rw=None if readonly else "",
            )
        case ops.Cache():
            return _cache(mount, from_name_of)
        case _:
            raise NotExpressible("a mount type that RUN does not have")


def _cache(mount: ops.Cache, from_name_of: FromName) -> str:
    if not mount.id.startswith("/"):
        raise NotExpressible(
            f"cache ID {mount.id}: Docker's begin with a slash (instructions.cache)"
        )
    path, owner, source = mount.selector, {}, mount.source
    if source is not None and isinstance(source.op, ops.FileOp) and path == CACHE_FOLDER:
        (action,) = source.op.actions
        assert isinstance(action, ops.MkdirAction)
        owner, source, path = _new_cache(action), source.op.base, ""
    return fields(
        "mount",
        type="cache",
        target=mount.target,
        id=mount.id[1:],
        sharing=mount.sharing.name.lower(),
        **{"from": from_name_of(source) if source is not None else None},
        source=path or None,
        ro="" if mount.readonly else None,
        **owner,
    )


def _new_cache(action: ops.MkdirAction) -> dict[str, str]:
    user, group = (action.owner.user, action.owner.group) if action.owner else (None, None)
    return {
        "mode": to_chmod(action.mode),
        "uid": str(user.id if user else 0),
        "gid": str(group.id if group else 0),
    }


def _secret(secret: ops.Secret) -> str:
    return fields(
        "mount",
        type="secret",
        id=secret.id,
        target=secret.target,
        env=secret.env,
        required=None if secret.optional else "true",
        **_access_fields(secret, SECRET_MODE),
    )


def _ssh(agent: ops.SSH) -> str:
    return fields(
        "mount",
        type="ssh",
        id=agent.id or None,
        target=agent.target,
        required=None if agent.optional else "true",
        **_access_fields(agent, SSH_MODE),
    )


def _device(device: ops.Device) -> str:
    return fields("device", name=device.name, required=None if device.optional else "true")


def _access_fields(mount: ops.Secret | ops.SSH, default_mode: int) -> dict[str, str]:
    options = {
        "uid": str(mount.uid) if mount.uid else "",
        "gid": str(mount.gid) if mount.gid else "",
    }
    options["mode"] = to_chmod(mount.mode) if mount.mode != default_mode else ""
    return {key: option for key, option in options.items() if option}


def workdir_path(op: ops.FileOp) -> str | None:
    """Find the directory that WORKDIR would create; None for another operation."""
    match op.actions:
        case (ops.MkdirAction(path) as action,) if is_workdir(action):
            return path
        case _:
            return None


def convert_copies(op: ops.FileOp, from_name_of: FromName, *, link: bool) -> str:
    """Convert file actions to COPY or ADD. Raises NotExpressible."""
    actions = []
    for action in op.actions:
        if not isinstance(action, ops.CopyAction):
            kind = type(action).__name__.removesuffix("Action").lower()
            raise NotExpressible(f"{kind}, for which a Dockerfile uses RUN")
        if action.timestamp is not None or action.always_replace_existing_dest_paths:
            raise NotExpressible("a copy with a timestamp, or one that replaces existing paths")
        actions.append(action)
    first_action = actions[0]
    shared = {
        (action.dest, to_chown(action.owner), action.mode, action.exclude_patterns)
        for action in actions
    }
    if len(shared) > 1 or not first_action.create_dest_path:
        raise NotExpressible("copies with different options in one step")
    flags = ["--link"] * link
    flags += [flag("chown", word(to_chown(first_action.owner)))] if first_action.owner else []
    flags += [flag("chmod", to_chmod(first_action.mode))] if first_action.mode is not None else []
    flags += [flag("exclude", pattern) for pattern in first_action.exclude_patterns]
    if not first_action.follow_symlinks:
        return _convert_remote_copies(actions, flags)
    return _convert_path_copies(actions, flags, from_name_of)


def _convert_path_copies(
    actions: list[ops.CopyAction], flags: list[str], from_name_of: FromName
) -> str:
    first_action = actions[0]
    if len({id(action.source.op) if action.source else 0 for action in actions}) > 1:
        raise NotExpressible("copies from several trees in one step")
    for action in actions:
        if not copies_paths(action) or action.attempt_unpack != first_action.attempt_unpack:
            raise NotExpressible("copy options that COPY does not have (instructions.copy)")
    from_name = from_name_of(first_action.source)
    if from_name and first_action.attempt_unpack:
        raise NotExpressible("archives unpacked from another stage")
    if from_name:
        flags = [f"--from={from_name}", *flags]
    if any(action.include_patterns for action in actions):
        flags = ["--parents", *flags]
    paths = [_copied_path(action) for action in actions]
    name = "ADD" if first_action.attempt_unpack else "COPY"
    return " ".join([name, *flags, words([*paths, first_action.dest])])


def _copied_path(action: ops.CopyAction) -> str:
    if not action.include_patterns:
        return action.src
    if len(action.include_patterns) > 1:
        raise NotExpressible("a copy with several include patterns")
    return parents_source(action.src, action.include_patterns[0])


def _convert_remote_copies(actions: list[ops.CopyAction], flags: list[str]) -> str:
    """Convert copies of heredocs, URLs and Git repositories."""
    copied_ops = [action.source.op if action.source is not None else None for action in actions]
    dest = actions[0].dest
    if all(isinstance(op, ops.FileOp) for op in copied_ops):
        return _convert_heredocs(actions, flags)
    sources, all_flags = [], list(flags)
    for action, op in zip(actions, copied_ops, strict=True):
        source = None if op is None else ops.source_of(op)
        if source is None:
            raise NotExpressible("copy options that COPY does not have (instructions.copy)")
        attrs = dict(source.attrs)
        if is_remote(source.identifier):
            all_flags += (
                [flag("checksum", attrs["http.checksum"])] if "http.checksum" in attrs else []
            )
            all_flags += ["--unpack"] if action.attempt_unpack else []
            sources.append(source.identifier)
        elif source.identifier.startswith(GIT_SCHEME):
            all_flags += (
                [flag("checksum", attrs["git.checksum"])] if "git.checksum" in attrs else []
            )
            all_flags += ["--keep-git-dir"] if "git.keepgitdir" in attrs else []
            _, hash_, ref = source.identifier.partition("#")
            sources.append(attrs["git.fullurl"] + hash_ + ref)
        else:
            raise NotExpressible("copy options that COPY does not have (instructions.copy)")
    return " ".join(["ADD", *dict.fromkeys(all_flags), words([*sources, dest])])


def _convert_heredocs(actions: list[ops.CopyAction], flags: list[str]) -> str:
    names, bodies = [], []
    for action in actions:
        assert action.source is not None
        assert isinstance(action.source.op, ops.FileOp)
        match action.source.op.actions:
            case (ops.MkfileAction(_, mode, data, None, None),) if (
                action.source.op.base is None and mode == HEREDOC_MODE
            ):
                content = data.decode("utf-8", errors="surrogateescape")
            case _:
                raise NotExpressible("copy options that COPY does not have (instructions.copy)")
        name = action.src.removeprefix("/")
        if (
            not name.isidentifier()
            or name in content.split("\n")
            or (content and content[-1] != "\n")
        ):
            raise NotExpressible("file content that a heredoc cannot express")
        names.append(f'<<"{name}"')
        bodies.append(f"\n{content}{name}")
    return " ".join(["COPY", *flags, *names, words([actions[0].dest])]) + "".join(bodies)


def variable(name: str, string: str, *, of_image: bool) -> str:
    """Write a variable as ENV, or as ARG if the image does not have it. Raises NotExpressible."""
    if not name.replace("_", "a").isalnum():
        raise NotExpressible(f"invalid variable name {name!r}")
    return f"{'ENV' if of_image else 'ARG'} {name}={value(string)}"
