"""Encode ExecOp: a process with its mounts, and the capabilities that it needs."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from llb import ops_proto as pb
from llb.buildkit_names import DEFAULT_PATH_ENV
from llb.ops.nodes import Network, Security
from llb.wire.inputs import SKIP_OUTPUT, add_input
from llb.wire.mounts import encode_agent, encode_mount, encode_root, encode_secret_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb.ops.env import Env
    from llb.ops.nodes import SSH, Device, ExecOp, Process, ProxyEnv, Secret

_SETS_DEFAULT_PATH = "exec.meta.setsdefaultpath"
_BASE_CAPS = frozenset({"exec.meta.base"})
_AGENT_VARIABLE = "SSH_AUTH_SOCK"

# Every process has these two fields. Looking them up once saves 0.1 µs of the 6 µs per step.
# Encoding a shell once, which precedes most commands, saves 0.2 µs.
_META, _ARGS = pb.ExecOp.meta, pb.Meta.args
_shell = lru_cache(maxsize=64)(pb.Meta.args)


class _EncodedProcess:
    """The encoded parts of a process, for ``pb.Meta`` and ``pb.ExecOp``, and its capabilities.

    The proxies of a step come between ``before_proxy`` and ``after_proxy``.
    """

    __slots__ = ("after_proxy", "before_proxy", "caps", "caps_with_root", "isolation")

    def __init__(self, process: Process, env: Env, caps: frozenset[str]) -> None:
        fields = pb.Meta
        self.before_proxy = (
            fields.env([f"{key}={value}" for key, value in env.items()])
            + fields.cwd(process.cwd)
            + fields.user(process.user)
        )
        self.after_proxy = (
            _extra_hosts(process)
            + fields.hostname(process.hostname)
            + _ulimits(process)
            + fields.cgroupParent(process.cgroup_parent)
            + fields.removeMountStubsRecursive(1)
        )
        network, security = process.network.value, process.security.value
        self.isolation = pb.ExecOp.network(network) + pb.ExecOp.security(security)
        self.caps = caps.union(_process_caps(process))
        self.caps_with_root = self.caps | {"exec.mount.bind"}


class ExecEncoder:
    """Encode processes; ``references`` are the encoded operations, by identity.

    ``daemon_caps`` are the capabilities of the daemon, if known; with them, the default PATH is
    set as Go does. Most steps share their process, so its encoding is cached.
    """

    def __init__(
        self, references: Mapping[int, bytes], daemon_caps: frozenset[str] | None, *, windows: bool
    ) -> None:
        self._references = references
        self._daemon_caps = daemon_caps
        self._windows = windows
        self._processes: dict[int, _EncodedProcess] = {}

    def encode(self, op: ExecOp) -> tuple[bytes, bytes, frozenset[str]]:
        """Encode the inputs, as fields of ``pb.Op``, and the ``pb.ExecOp``; list the caps."""
        process = self._processes.get(id(op.process))
        if process is None or op.ssh:
            process = self._encode_process(op)
        caps: list[str] = []
        meta = _shell(op.args[:-1]) + _ARGS(op.args[-1:]) + process.before_proxy
        if op.proxy is not None:
            meta += _proxy(op.proxy, caps)
        meta += process.after_proxy
        if op.valid_exit_codes is not None:
            meta += _valid_exit_codes(op.valid_exit_codes, caps)
        inputs: dict[bytes, int] = {}
        root = add_input(inputs, self._references, op.root)
        body = _META(meta) + encode_root(root, op.readonly_root)
        if op.mounts:
            body += self._mounts(op, inputs, caps)
        if op.secrets:
            body += _secret_files(op.secrets, caps)
        if op.ssh:
            body += _agents(op.ssh, caps)
        body += process.isolation
        if op.secrets:
            body += _secret_variables(op.secrets, caps)
        if op.devices:
            body += _devices(op.devices, caps)
        if op.constraints.resources is not None:
            caps.append("exec.meta.linux.resources")
        all_caps = process.caps if op.root is None else process.caps_with_root
        return b"".join(inputs), body, all_caps.union(caps) if caps else all_caps

    def _mounts(self, op: ExecOp, inputs: dict[bytes, int], caps: list[str]) -> bytes:
        """Encode the mounts of trees, caches and tmpfs, which come after the root."""
        outputs = 0 if op.readonly_root else 1
        encoded = []
        for mount in op.mounts:
            has_output = mount.has_output
            source = add_input(inputs, self._references, mount.source)
            output = outputs if has_output else SKIP_OUTPUT
            data, mount_caps = encode_mount(mount, source, output)
            encoded.append(data)
            caps += mount_caps
            outputs += has_output
        return b"".join(encoded)

    def _encode_process(self, op: ExecOp) -> _EncodedProcess:
        """Encode the process of ``op`` with the variables that Go's client adds."""
        process = op.process
        env, caps = process.env, _BASE_CAPS
        names = {key for key, _ in env.items()}
        if op.ssh and _AGENT_VARIABLE not in names:
            env = env.set(_AGENT_VARIABLE, _agent_targets(op.ssh)[0])
        if self._daemon_caps is not None:
            if _SETS_DEFAULT_PATH in self._daemon_caps:
                caps |= {_SETS_DEFAULT_PATH}
            elif "PATH" not in names and not self._windows:
                env = env.set("PATH", DEFAULT_PATH_ENV)
        encoded = _EncodedProcess(process, env, caps)
        # The variable of an agent applies to this step only.
        if not op.ssh:
            self._processes[id(process)] = encoded
        return encoded


def _process_caps(process: Process) -> Iterable[str]:
    if process.ulimits:
        yield "exec.meta.ulimit"
    if process.network is not Network.SANDBOX:
        yield "exec.meta.network"
    if process.security is not Security.SANDBOX:
        yield "exec.meta.security"


def _extra_hosts(process: Process) -> bytes:
    return b"".join(
        [
            pb.Meta.extraHosts(pb.HostIP.Host(host) + pb.HostIP.IP(ip))
            for host, ip in process.extra_hosts
        ]
    )


def _ulimits(process: Process) -> bytes:
    fields = pb.Ulimit
    return b"".join(
        [
            pb.Meta.ulimit(
                fields.Name(ulimit.name) + fields.Soft(ulimit.soft) + fields.Hard(ulimit.hard)
            )
            for ulimit in process.ulimits
        ]
    )


def _proxy(proxy: ProxyEnv, caps: list[str]) -> bytes:
    caps.append("exec.meta.proxyenv")
    fields = pb.ProxyEnv
    return pb.Meta.proxy_env(
        fields.http_proxy(proxy.http_proxy)
        + fields.https_proxy(proxy.https_proxy)
        + fields.ftp_proxy(proxy.ftp_proxy)
        + fields.no_proxy(proxy.no_proxy)
        + fields.all_proxy(proxy.all_proxy)
    )


def _valid_exit_codes(codes: tuple[int, ...], caps: list[str]) -> bytes:
    caps.append("exec.validexitcode")
    return pb.Meta.validExitCodes(codes)


def _secret_files(secrets: tuple[Secret, ...], caps: list[str]) -> bytes:
    caps.append("exec.mount.secret")
    files = [(secret, secret.target) for secret in secrets if secret.target is not None]
    return b"".join([encode_secret_file(secret, target) for secret, target in files])


def _agents(agents: tuple[SSH, ...], caps: list[str]) -> bytes:
    caps.append("exec.mount.ssh")
    return b"".join(map(encode_agent, agents, _agent_targets(agents)))


def _agent_targets(agents: tuple[SSH, ...]) -> list[str]:
    return [
        agent.target or f"/run/buildkit/ssh_agent.{index}" for index, agent in enumerate(agents)
    ]


def _secret_variables(secrets: tuple[Secret, ...], caps: list[str]) -> bytes:
    variables = [(secret, secret.env) for secret in secrets if secret.env is not None]
    if variables:
        caps.append("exec.secretenv")
    fields = pb.SecretEnv
    return b"".join(
        [
            pb.ExecOp.secretenv(
                fields.ID(secret.id) + fields.name(name) + fields.optional(secret.optional)
            )
            for secret, name in variables
        ]
    )


def _devices(devices: tuple[Device, ...], caps: list[str]) -> bytes:
    caps.append("exec.meta.cdi")
    fields = pb.CDIDevice
    return b"".join(
        [
            pb.ExecOp.cdiDevices(fields.name(device.name) + fields.optional(device.optional))
            for device in devices
        ]
    )
