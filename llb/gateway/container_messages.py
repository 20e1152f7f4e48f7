"""What a daemon is asked for containers and their processes, as messages.

A container and a process are told the same things as a step, and so a step is made of them,
from which the messages are taken: its mounts, variables and all that is checked are a step's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack

from attrs import field, frozen

from llb import Scratch
from llb._pb import gateway_pb2 as pb
from llb._pb import ops_pb2
from llb.errors import InvalidValueError
from llb.gocompat.path import absolute, check_mount_target, clean, join
from llb.state.mounts import bind
from llb.state.step_options import check_keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from llb import Network, Security, State
    from llb.gateway.results import Ref
    from llb.state.settings import MountValue

_ROOT = "/"
_NO_INPUT = -1


def _check_target(_: object, __: object, value: str) -> None:
    check_mount_target(value)


@frozen
class RefMount:
    """A tree on the daemon that a container finds at ``target``; :func:`bind_ref` makes one."""

    ref: Ref
    target: str = field(validator=_check_target)
    path: str = ""
    readonly: bool = False


def bind_ref(ref: Ref, target: str, *, path: str = "", readonly: bool = False) -> RefMount:
    """Mount a solved tree at ``target`` of a container; what is written there goes with it.

    ``path`` mounts a subdirectory or file of the tree. Raises InvalidValueError.
    """
    return RefMount(ref, target, path, readonly)


class ProcessOptions(TypedDict, total=False):
    """How a process is run, with what holds when it is not said.

    ``env`` are variables, beside which there are PATH and, with a terminal, TERM; those of
    an image are not known to a container. ``workdir`` is ``/``. ``user`` is ``user[:group]``:
    root for the first process of a container, and for others the first one's. ``tty`` gives
    the process a terminal. ``secrets`` are secrets of the client as variables
    (``secret("token", env="TOKEN")``).
    """

    env: Mapping[str, str]
    workdir: str
    user: str
    tty: bool
    secrets: Iterable[MountValue]


def container_request(
    container_id: str,
    root: Ref,
    mounts: Iterable[RefMount | MountValue],
    *,
    hostname: str,
    network: Network | str,
    security: Security | str,
    extra_hosts: Mapping[str, str],
) -> tuple[pb.NewContainerRequest, pb.InitMessage]:
    """Return the request for a container, and what all of its processes are told.

    Raises InvalidValueError for what no container can have.
    """
    given = tuple(mounts)
    trees = [each for each in given if isinstance(each, RefMount)]
    refs = {_ROOT: root, **{clean(each.target): each.ref for each in trees}}
    state = Scratch().network(network).security(security).hostname(hostname)
    for host, ip in extra_hosts.items():
        state = state.extra_host(host, ip)
    step = _exec_of(state.run(["-"], mounts=[_of_step(each) for each in given]))
    targets: set[str] = set()
    for mount in step.mounts:
        target = clean(mount.dest)
        _check(mount, targets)
        targets.add(target)
        if target in refs:
            mount.resultID = refs[target].id
    if step.secretenv:
        name = step.secretenv[0].name
        raise InvalidValueError(
            f"a container has no variables, {name} is one",
            hint="give the secret to the process: run(..., secrets=[...])",
        )
    request = pb.NewContainerRequest(
        ContainerID=container_id,
        Mounts=step.mounts,
        Network=step.network,
        extraHosts=step.meta.extraHosts,
        hostname=step.meta.hostname,
    )
    common = pb.InitMessage(
        ContainerID=container_id, Meta=ops_pb2.Meta(env=step.meta.env), Security=step.security
    )
    return request, common


def init_message(
    common: pb.InitMessage, command: str | Sequence[str], **options: Unpack[ProcessOptions]
) -> pb.InitMessage:
    """Return the message that starts a process, without the descriptors that are served.

    What it is not told, ``common`` says. Raises InvalidValueError.
    """
    check_keys(options, ProcessOptions.__optional_keys__)
    meta = common.Meta
    inherited = dict(each.split("=", 1) for each in meta.env)
    step = _exec_of(
        Scratch().run(
            command,
            env={**inherited, **options.get("env", {})},
            workdir=absolute(meta.cwd, options.get("workdir", ".")),
            user=options.get("user", meta.user),
            mounts=options.get("secrets", ()),
        )
    )
    for mount in step.mounts:
        if mount.dest != _ROOT:
            raise InvalidValueError(
                f"a process has no mounts of its own, {mount.dest} is one",
                hint="it is the container that has mounts; a secret that is a variable alone "
                'is secret("token", env="TOKEN")',
            )
    return pb.InitMessage(
        ContainerID=common.ContainerID,
        Meta=step.meta,
        Tty=options.get("tty", False),
        Security=common.Security,
        secretenv=[*common.secretenv, *step.secretenv],
    )


def place_of(path: str, mounts: Sequence[ops_pb2.Mount]) -> tuple[int, str]:
    """Return in which mount of a container a path leads, by number, and where in its tree.

    Raises InvalidValueError for a path that is not absolute.
    """
    if not path.startswith("/"):
        raise InvalidValueError(f"invalid path {path!r}: expected an absolute path")
    cleaned = clean(path)
    number, rest = max(
        (
            (number, rest)
            for number, each in enumerate(mounts)
            if (rest := _below(clean(each.dest), cleaned)) is not None
        ),
        key=lambda found: len(mounts[found[0]].dest),
    )
    return number, join("/", mounts[number].selector, rest)


def _below(target: str, path: str) -> str | None:
    """Return the rest of a path that is, or is below, ``target``."""
    if target == _ROOT:
        return path
    if path == target or path.startswith(target + "/"):
        return path[len(target) :]
    return None


def _of_step(mount: RefMount | MountValue) -> MountValue:
    """Return a mount for a step, an empty tree in the place of one by reference."""
    if not isinstance(mount, RefMount):
        return mount
    return bind(Scratch(), mount.target, path=mount.path, readonly=mount.readonly)


def _check(mount: ops_pb2.Mount, taken: Collection[str]) -> None:
    """Raise InvalidValueError for a mount that a container cannot have."""
    if clean(mount.dest) in taken:
        raise InvalidValueError(f"a container has two mounts at {mount.dest}")
    if mount.input != _NO_INPUT:
        raise InvalidValueError(
            f"the mount at {mount.dest} is of a tree that is not solved",
            hint="solve() it, and mount the result with llb.gateway.bind_ref()",
        )
    if mount.TmpfsOpt.size:
        raise InvalidValueError(
            f"a tmpfs of a container has no limit, {mount.dest} is given one",
            hint="BuildKit keeps to the size of a tmpfs in steps alone",
        )


def _exec_of(state: State) -> ops_pb2.ExecOp:
    """Return the process of a state that was made by one."""
    operations = (ops_pb2.Op.FromString(data) for data in reversed(state.marshal().ops))
    return next(each.exec for each in operations if each.HasField("exec"))
