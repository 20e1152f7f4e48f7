"""Operations as instructions: what each is in a Dockerfile, if Docker makes such a one."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, TypeVar

from llb.dockerfile.to_dockerfile.quoting import Unsayable, array, fields, flag, value, word, words
from llb.dockerfile_rules.copy import HEREDOC_MODE, copies_paths, is_remote, parents_source
from llb.dockerfile_rules.permissions import to_chmod, to_chown
from llb.dockerfile_rules.run import CACHE_FOLDER, NETWORKS, SCRIPTS, SECURITIES
from llb.dockerfile_rules.workdir import is_workdir
from llb.ops import nodes as ops
from llb.ops.defaults import SECRET_MODE, SHELL, SSH_MODE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llb.ops.nodes import Output

    # Returns the flag that names a tree to take from, empty for the build context.
    Named = Callable[[Output | None], str]

T = TypeVar("T")

_END = "EOF"
_ASKED = "is for who builds to ask for, not for a Dockerfile"


def run(op: ops.ExecOp, named: Named) -> str:
    """Return a process as RUN. Raises Unsayable."""
    process = op.process
    given = {
        "a host name": process.hostname,
        "hosts": process.extra_hosts,
        "limits": process.ulimits,
        "a parent cgroup": process.cgroup_parent,
        "proxies": op.proxy,
    }
    for name, each in given.items():
        if each:
            raise Unsayable(f"{name} of a process {_ASKED}")
    if op.readonly_root:
        raise Unsayable("a process in a tree that it cannot change")
    if op.valid_exit_codes is not None:
        raise Unsayable("exit codes other than 0")
    if op.devices:
        raise Unsayable("devices are for Docker's labs channel alone")
    script = next((each for each in op.mounts if each.target == SCRIPTS), None)
    others = [each for each in op.mounts if each is not script]
    flags = [_mount(each, named) for each in others]
    flags += [_secret(each) for each in op.secrets] + [_ssh(each) for each in op.ssh]
    if process.network is not ops.Network.SANDBOX:
        flags.append(flag("network", _name(NETWORKS, process.network)))
    if process.security is not ops.Security.SANDBOX:
        flags.append(flag("security", _name(SECURITIES, process.security)))
    return " ".join(["RUN", *flags, _command(op, script)])


def _name(names: Mapping[str, T | None], value: T) -> str:
    """Find the name of a value in a table of names."""
    return next(name for name, known in names.items() if known is value)


def _command(op: ops.ExecOp, script: ops.Mount | None) -> str:
    if script is not None:
        return _script(op, script)
    text = op.args[-1]
    if op.args[:-1] != SHELL:
        return array(op.args)
    if "\n" not in text:
        is_plain = text == text.strip() and not text.startswith(("[", "--")) and "<<" not in text
        return text if is_plain and not text.endswith("\\") and "\r" not in text else array(op.args)
    lines = text.split("\n")
    if lines[-1] or _END in lines or text.startswith("#!") or "\r" in text or "\0" in text:
        return array(op.args)
    return f"<<{_END}\n{text}{_END}"


def _script(op: ops.ExecOp, mount: ops.Mount) -> str:
    """Return a script of its own, which RUN mounts."""
    source = mount.source.op if mount.source is not None else None
    if not isinstance(source, ops.FileOp) or op.args[:-1] != SHELL:
        raise Unsayable(f"a tree that is mounted at {SCRIPTS}")
    (action,) = source.actions
    assert isinstance(action, ops.MkfileAction)
    name, text = posixpath.basename(op.args[-1]), action.data.decode()
    if name in text.split("\n") or not text.endswith("\n"):
        raise Unsayable("a script without an end")
    return f"<<{name}\n{text}{name}"


def _mount(mount: ops.Mount, named: Named) -> str:
    match mount:
        case ops.Tmpfs(target, size, "", False):
            return fields(type="tmpfs", target=target, size=str(size) if size else None)
        case ops.Bind() if mount.has_output:
            raise Unsayable("what a process writes to a mount, and is kept")
        case ops.Bind(target, source, selector, readonly):
            return fields(
                type="bind",
                **{"from": named(source) or None},
                source=selector or None,
                target=target,
                rw=None if readonly else "",
            )
        case ops.Cache():
            return _cache(mount, named)
        case _:
            raise Unsayable("a mount that Docker never makes")


def _cache(mount: ops.Cache, named: Named) -> str:
    if not mount.id.startswith("/"):
        raise Unsayable(f"the cache {mount.id}: Docker's begin with a slash (docker.cache)")
    path, owner, source = mount.selector, {}, mount.source
    if source is not None and isinstance(source.op, ops.FileOp) and path == CACHE_FOLDER:
        (action,) = source.op.actions
        assert isinstance(action, ops.MkdirAction)
        owner, source, path = _new_cache(action), source.op.base, ""
    return fields(
        type="cache",
        target=mount.target,
        id=mount.id[1:],
        sharing=mount.sharing.name.lower(),
        **{"from": named(source) if source is not None else None},
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
        type="secret",
        id=secret.id,
        target=secret.target,
        env=secret.env,
        required=None if secret.optional else "true",
        **_owned(secret, SECRET_MODE),
    )


def _ssh(agent: ops.SSH) -> str:
    return fields(
        type="ssh",
        id=agent.id or None,
        target=agent.target,
        required=None if agent.optional else "true",
        **_owned(agent, SSH_MODE),
    )


def _owned(given: ops.Secret | ops.SSH, usual: int) -> dict[str, str]:
    found = {"uid": str(given.uid) if given.uid else "", "gid": str(given.gid) if given.gid else ""}
    found["mode"] = to_chmod(given.mode) if given.mode != usual else ""
    return {key: each for key, each in found.items() if each}


def directory(op: ops.FileOp) -> str | None:
    """Return the directory that WORKDIR makes, None for another operation."""
    match op.actions:
        case (ops.MkdirAction(path) as action,) if is_workdir(action):
            return path
        case _:
            return None


def copied(op: ops.FileOp, named: Named, *, link: bool) -> str:
    """Return file actions as COPY or ADD. Raises Unsayable."""
    actions = []
    for each in op.actions:
        if not isinstance(each, ops.CopyAction):
            kind = type(each).__name__.removesuffix("Action").lower()
            raise Unsayable(f"{kind}, which is a command of RUN in a Dockerfile")
        if each.timestamp is not None or each.always_replace_existing_dest_paths:
            raise Unsayable("a time, or the replacing, of what is copied")
        actions.append(each)
    first = actions[0]
    shared = {
        (each.dest, to_chown(each.owner), each.mode, each.exclude_patterns) for each in actions
    }
    if len(shared) > 1 or not first.create_dest_path:
        raise Unsayable("actions of several kinds in one step")
    flags = ["--link"] * link
    flags += [flag("chown", word(to_chown(first.owner)))] if first.owner else []
    flags += [flag("chmod", to_chmod(first.mode))] if first.mode is not None else []
    flags += [flag("exclude", each) for each in first.exclude_patterns]
    if not first.follow_symlinks:
        return _elsewhere(actions, flags)
    return _paths(actions, flags, named)


def _paths(actions: list[ops.CopyAction], flags: list[str], named: Named) -> str:
    first = actions[0]
    if len({id(each.source.op) if each.source else 0 for each in actions}) > 1:
        raise Unsayable("several trees that one step copies from")
    for each in actions:
        if not copies_paths(each) or each.attempt_unpack != first.attempt_unpack:
            raise Unsayable("options of copying that COPY does not have (docker.copy)")
    place = named(first.source)
    if place and first.attempt_unpack:
        raise Unsayable("archives that are unpacked out of another stage")
    if place:
        flags = [f"--from={place}", *flags]
    if any(each.include_patterns for each in actions):
        flags = ["--parents", *flags]
    paths = [_path(each) for each in actions]
    name = "ADD" if first.attempt_unpack else "COPY"
    return " ".join([name, *flags, words([*paths, first.dest])])


def _path(action: ops.CopyAction) -> str:
    if not action.include_patterns:
        return action.src
    if len(action.include_patterns) > 1:
        raise Unsayable("several patterns of what is copied")
    return parents_source(action.src, action.include_patterns[0])


def _elsewhere(actions: list[ops.CopyAction], flags: list[str]) -> str:
    """Return a copy of what is neither in the context nor in a stage."""
    sources = [each.source.op if each.source is not None else None for each in actions]
    dest = actions[0].dest
    if all(isinstance(each, ops.FileOp) for each in sources):
        return _documents(actions, flags)
    found, more = [], list(flags)
    for action, source in zip(actions, sources, strict=True):
        if not isinstance(source, ops.SourceOp):
            raise Unsayable("options of copying that COPY does not have (docker.copy)")
        attrs = dict(source.attrs)
        if is_remote(source.identifier):
            more += [flag("checksum", attrs["http.checksum"])] if "http.checksum" in attrs else []
            more += ["--unpack"] if action.attempt_unpack else []
            found.append(source.identifier)
        elif source.identifier.startswith("git://"):
            more += [flag("checksum", attrs["git.checksum"])] if "git.checksum" in attrs else []
            more += ["--keep-git-dir"] if "git.keepgitdir" in attrs else []
            _, hash_, ref = source.identifier.partition("#")
            found.append(attrs["git.fullurl"] + hash_ + ref)
        else:
            raise Unsayable("options of copying that COPY does not have (docker.copy)")
    return " ".join(["ADD", *dict.fromkeys(more), words([*found, dest])])


def _documents(actions: list[ops.CopyAction], flags: list[str]) -> str:
    names, bodies = [], []
    for action in actions:
        assert action.source is not None
        assert isinstance(action.source.op, ops.FileOp)
        match action.source.op.actions:
            case (ops.MkfileAction(_, mode, data, None, None),) if (
                action.source.op.base is None and mode == HEREDOC_MODE
            ):
                text = data.decode("utf-8", errors="surrogateescape")
            case _:
                raise Unsayable("options of copying that COPY does not have (docker.copy)")
        name = action.src.removeprefix("/")
        if not name.isidentifier() or name in text.split("\n") or (text and text[-1] != "\n"):
            raise Unsayable("a file of a text that no here-document is")
        names.append(f'<<"{name}"')
        bodies.append(f"\n{text}{name}")
    return " ".join(["COPY", *flags, *names, words([actions[0].dest])]) + "".join(bodies)


def variable(name: str, text: str, *, of_image: bool) -> str:
    """Return a variable as ENV, or as ARG where the image does not have it. Raises Unsayable."""
    if not name.replace("_", "a").isalnum():
        raise Unsayable(f"the variable {name!r}")
    return f"{'ENV' if of_image else 'ARG'} {name}={value(text)}"
