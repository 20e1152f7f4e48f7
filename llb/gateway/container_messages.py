"""Messages that create containers and start processes in them.

Containers and processes have the settings of a step. The messages are therefore taken from a
step that is built first: its mounts, its variables and all checks are those of a step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack

from attrs import field, frozen

from llb import Scratch
from llb._pb import gateway_pb2 as pb
from llb._pb import ops_pb2
from llb.arguments.checked import checked, checked_init
from llb.buildkit_names import PROXY_NAMES
from llb.errors import InvalidValueError
from llb.gocompat.path import absolute, check_mount_target, clean, join
from llb.state.mounts import bind
from llb.state.step_options import check_keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from llb import Definition, Network, Security, State
    from llb.buildkit_names import NetworkName, SecurityName
    from llb.gateway.results import Ref
    from llb.state.settings import MountValue

_ROOT = "/"
_NO_INPUT = -1


def _check_target(_: object, __: object, value: str) -> None:
    check_mount_target(value)


@checked_init
@frozen
class RefMount:
    """A tree on the daemon mounted at ``target`` of a container (:func:`bind_ref`)."""

    ref: Ref
    target: str = field(validator=_check_target)
    path: str = ""
    readonly: bool = False


@checked
def bind_ref(ref: Ref, target: str, *, path: str = "", readonly: bool = False) -> RefMount:
    """Mount a solved tree at ``target`` of a container; writes to it end with the container.

    ``path`` mounts a subdirectory or file of the tree. Raises InvalidValueError.
    """
    return RefMount(ref, target, path, readonly)


class ProcessOptions(TypedDict, total=False):
    """Settings of a process and their defaults.

    ``env`` are variables, in addition to PATH and, with a terminal, TERM; a container does not
    know those of an image. ``workdir`` defaults to ``/``. ``user`` is ``user[:group]``: root for
    the first process of a container, and for others the user of the first one. ``tty`` allocates
    a terminal. ``secrets`` are secrets of the client as variables
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
    network: Network | NetworkName,
    security: Security | SecurityName,
    extra_hosts: Mapping[str, str],
) -> tuple[pb.NewContainerRequest, pb.InitMessage]:
    """Build the request for a container, and the message that all of its processes share.

    Raises InvalidValueError for settings that a container cannot have.
    """
    all_mounts = tuple(mounts)
    ref_mounts = [mount for mount in all_mounts if isinstance(mount, RefMount)]
    refs = {_ROOT: root, **{clean(mount.target): mount.ref for mount in ref_mounts}}
    state = Scratch().network(network).security(security).hostname(hostname)
    for host, ip in extra_hosts.items():
        state = state.extra_host(host, ip)
    step = _exec_of(state.run(["-"], mounts=[_to_step_mount(mount) for mount in all_mounts]))
    targets: set[str] = set()
    for mount in step.mounts:
        target = clean(mount.dest)
        _check_mount(mount, targets)
        targets.add(target)
        if target in refs:
            mount.resultID = refs[target].id
    if step.secretenv:
        name = step.secretenv[0].name
        raise InvalidValueError(
            f"invalid secret {name} of a container: only processes have variables",
            hint="pass the secret to the process: run(..., secrets=[...])",
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
    """Build the message that starts a process, without the descriptors that are served.

    Settings that are not specified are those of ``common``. Raises InvalidValueError.
    """
    check_keys(options, ProcessOptions.__optional_keys__)
    meta = common.Meta
    inherited = dict(item.split("=", 1) for item in meta.env)
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
                f"invalid mount {mount.dest} of a process: only containers have mounts",
                hint="mount it in the container, or pass the secret as a variable: "
                'secret("token", env="TOKEN")',
            )
    return pb.InitMessage(
        ContainerID=common.ContainerID,
        Meta=step.meta,
        Tty=options.get("tty", False),
        Security=common.Security,
        secretenv=[*common.secretenv, *step.secretenv],
    )


def process_of(step: Definition) -> ops_pb2.Op:
    """Find the last step of a definition, which must run a process that a container can run too.

    The proxies of the process become variables. Raises InvalidValueError.
    """
    head = next((vertex for vertex in step.vertices() if vertex.digest == step.head), None)
    if head is None or head.kind != "exec":
        raise InvalidValueError("invalid step: expected a definition that ends with a process")
    op = ops_pb2.Op.FromString(head.encoded)
    meta = op.exec.meta
    settings = {
        "ulimits": meta.ulimit,
        "cgroup parent": meta.cgroupParent,
        "devices": op.exec.cdiDevices,
        "tmpfs sizes": [mount for mount in op.exec.mounts if mount.TmpfsOpt.size],
    }
    for name, value in settings.items():
        if value:
            raise InvalidValueError(
                f"a container has no {name}", hint="BuildKit applies them only to steps"
            )
    proxies = _proxy_variables(meta.proxy_env)
    meta.env[:] = [*meta.env, *proxies]
    return op


def _proxy_variables(proxies: ops_pb2.ProxyEnv) -> Iterator[str]:
    """Yield the variables of a step's proxies, in upper and lower case as BuildKit sets them."""
    for name, value in zip(
        PROXY_NAMES,
        (
            proxies.http_proxy,
            proxies.https_proxy,
            proxies.ftp_proxy,
            proxies.no_proxy,
            proxies.all_proxy,
        ),
        strict=True,
    ):
        if value:
            yield f"{name.upper()}={value}"
            yield f"{name}={value}"


def locate_in_mount(path: str, mounts: Sequence[ops_pb2.Mount]) -> tuple[int, str]:
    """Find the index of the mount that contains a path, and the path inside its tree.

    Raises InvalidValueError for a path that is not absolute.
    """
    if not path.startswith("/"):
        raise InvalidValueError(f"invalid path {path!r}: expected an absolute path")
    cleaned = clean(path)
    index, suffix = max(
        (
            (index, suffix)
            for index, mount in enumerate(mounts)
            if (suffix := _suffix_below(clean(mount.dest), cleaned)) is not None
        ),
        key=lambda candidate: len(mounts[candidate[0]].dest),
    )
    return index, join("/", mounts[index].selector, suffix)


def _suffix_below(target: str, path: str) -> str | None:
    """Strip ``target`` from a path that equals it or is below it; None for any other path."""
    if target == _ROOT:
        return path
    if path == target or path.startswith(target + "/"):
        return path[len(target) :]
    return None


def _to_step_mount(mount: RefMount | MountValue) -> MountValue:
    """Convert to a mount of a step, with an empty tree in place of a reference."""
    if not isinstance(mount, RefMount):
        return mount
    return bind(Scratch(), mount.target, path=mount.path, readonly=mount.readonly)


def _check_mount(mount: ops_pb2.Mount, used_targets: Collection[str]) -> None:
    """Raise InvalidValueError for a mount that a container cannot have."""
    if clean(mount.dest) in used_targets:
        raise InvalidValueError(f"a container has two mounts at {mount.dest}")
    if mount.input != _NO_INPUT:
        raise InvalidValueError(
            f"the tree mounted at {mount.dest} is not solved",
            hint="solve() it, and mount the result with llb.gateway.bind_ref()",
        )
    if mount.TmpfsOpt.size:
        raise InvalidValueError(
            f"invalid size of the tmpfs {mount.dest}: a tmpfs of a container has no limit",
            hint="BuildKit limits the size of a tmpfs only in steps",
        )


def _exec_of(state: State) -> ops_pb2.ExecOp:
    """Get the operation of the last process of a state."""
    operations = (ops_pb2.Op.FromString(data) for data in reversed(state.marshal().ops))
    return next(op.exec for op in operations if op.HasField("exec"))
