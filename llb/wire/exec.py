"""ExecOp: a process with what is mounted into it, and the capabilities that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from llb.definition.protobuf import message, number, number_tag, packed, tag, text, texts
from llb.ops.defaults import DEFAULT_PATH
from llb.ops.nodes import Network, Security
from llb.wire.inputs import NONE, Inputs, one_to_bytes
from llb.wire.mounts import (
    encode_agent,
    encode_mount,
    encode_root,
    encode_secret_file,
    encode_secret_variable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb.ops.nodes import SSH, Device, ExecOp, Process, ProxyEnv, Ulimit

_META = tag(1)
_NETWORK, _SECURITY = number_tag(3), number_tag(4)
_SECRET_ENV, _DEVICES = tag(5), tag(6)

_ARGS, _ENV, _CWD, _USER, _PROXY = tag(1), tag(2), tag(3), tag(4), tag(5)
_EXTRA_HOSTS, _HOSTNAME, _ULIMITS, _CGROUP_PARENT = tag(6), tag(7), tag(9), tag(10)
_REMOVE_MOUNT_STUBS, _VALID_EXIT_CODES = number_tag(11), tag(12)

_SKIP_OUTPUT = -1
_SETS_DEFAULT_PATH = "exec.meta.setsdefaultpath"
_AGENT_VARIABLE = "SSH_AUTH_SOCK"


@frozen
class _Parts:
    """A process as parts of pb.Meta and pb.ExecOp, and the capabilities that it needs."""

    before_proxy: bytes
    after_proxy: bytes
    isolation: bytes
    caps: tuple[str, ...]
    all_caps: frozenset[str]
    caps_with_root: frozenset[str]


class ExecEncoder:
    """Encodes processes for a daemon whose capabilities are ``daemon_caps``, if they are known.

    With them the default PATH is settled as Go does it. Most steps share how their
    process is run, so what that is in bytes is kept.
    """

    def __init__(self, daemon_caps: frozenset[str] | None, *, windows: bool) -> None:
        self._daemon_caps = daemon_caps
        self._windows = windows
        self._known: dict[int, _Parts] = {}

    def encode(
        self, op: ExecOp, references: Mapping[int, bytes]
    ) -> tuple[bytes, bytes, frozenset[str]]:
        """Return the field of inputs, the content of pb.ExecOp, and the capabilities."""
        parts = self._parts(op)
        if _is_plain(op):
            return _encode_plain(op, parts, references)
        inputs = Inputs(references)
        caps = [*parts.caps]
        meta = [texts(_ARGS, op.args), parts.before_proxy]
        if op.proxy is not None:
            meta.append(message(_PROXY, _proxy(op.proxy)))
            caps.append("exec.meta.proxyenv")
        meta.append(parts.after_proxy)
        if op.valid_exit_codes is not None:
            meta.append(packed(_VALID_EXIT_CODES, op.valid_exit_codes))
            caps.append("exec.validexitcode")
        out = [message(_META, b"".join(meta))]
        out.append(encode_root(op.root, inputs.add(op.root), readonly=op.readonly_root))
        if op.root is not None:
            caps.append("exec.mount.bind")
        outputs = 0 if op.readonly_root else 1
        for mount in op.mounts:
            has_output = mount.has_output
            number_of_output = outputs if has_output else _SKIP_OUTPUT
            encoded, needed = encode_mount(mount, inputs.add(mount.source), number_of_output)
            out.append(encoded)
            caps += needed
            outputs += has_output
        if op.secrets or op.ssh:
            out += _from_client(op)
        out.append(parts.isolation)
        out += [
            message(_SECRET_ENV, encode_secret_variable(each, each.env))
            for each in op.secrets
            if each.env is not None
        ]
        out += [_device(each) for each in op.devices]
        return inputs.to_bytes(), b"".join(out), frozenset([*caps, *_other_caps(op)])

    def _parts(self, op: ExecOp) -> _Parts:
        if op.ssh:
            # The first agent becomes a variable, which is this step's own.
            return self._encode_process(op.process, _agent_targets(op.ssh)[0])
        known = self._known.get(id(op.process))
        if known is None:
            known = self._known[id(op.process)] = self._encode_process(op.process, None)
        return known

    def _encode_process(self, process: Process, agent: str | None) -> _Parts:
        caps = ["exec.meta.base"]
        env = process.env
        names = {key for key, _ in env.items()}
        if agent is not None and _AGENT_VARIABLE not in names:
            env = env.set(_AGENT_VARIABLE, agent)
        if self._daemon_caps is not None:
            if _SETS_DEFAULT_PATH in self._daemon_caps:
                caps.append(_SETS_DEFAULT_PATH)
            elif "PATH" not in names and not self._windows:
                env = env.set("PATH", DEFAULT_PATH)
        if process.ulimits:
            caps.append("exec.meta.ulimit")
        if process.network is not Network.SANDBOX:
            caps.append("exec.meta.network")
        if process.security is not Security.SANDBOX:
            caps.append("exec.meta.security")
        before = (
            texts(_ENV, [f"{key}={value}" for key, value in env.items()]),
            text(_CWD, process.cwd),
            text(_USER, process.user),
        )
        after = (
            *(message(_EXTRA_HOSTS, _pair(host, ip)) for host, ip in process.extra_hosts),
            text(_HOSTNAME, process.hostname),
            *(message(_ULIMITS, _ulimit(each)) for each in process.ulimits),
            text(_CGROUP_PARENT, process.cgroup_parent),
            number(_REMOVE_MOUNT_STUBS, 1),
        )
        isolation = number(_NETWORK, process.network.value) + number(
            _SECURITY, process.security.value
        )
        return _Parts(
            before_proxy=b"".join(before),
            after_proxy=b"".join(after),
            isolation=isolation,
            caps=tuple(caps),
            all_caps=frozenset(caps),
            caps_with_root=frozenset([*caps, "exec.mount.bind"]),
        )


_ROOT = encode_root(None, 0, readonly=False)
_EMPTY_ROOT = encode_root(None, NONE, readonly=False)


def _encode_plain(
    op: ExecOp, parts: _Parts, references: Mapping[int, bytes]
) -> tuple[bytes, bytes, frozenset[str]]:
    """Encode a process in a tree that nothing else is mounted into, as most are."""
    meta = message(_META, texts(_ARGS, op.args) + parts.before_proxy + parts.after_proxy)
    if op.root is None:
        return b"", meta + _EMPTY_ROOT + parts.isolation, parts.all_caps
    inputs = one_to_bytes(references, op.root)
    return inputs, meta + _ROOT + parts.isolation, parts.caps_with_root


def _is_plain(op: ExecOp) -> bool:
    """Return whether there is nothing but a command in a tree that it may change."""
    return not (
        op.mounts
        or op.readonly_root
        or op.secrets
        or op.ssh
        or op.devices
        or op.proxy
        or op.valid_exit_codes is not None
        or op.constraints.resources
    )


def _other_caps(op: ExecOp) -> Iterable[str]:
    if op.constraints.resources is not None:
        yield "exec.meta.linux.resources"
    if op.devices:
        yield "exec.meta.cdi"
    if op.secrets:
        yield "exec.mount.secret"
    if any(each.env is not None for each in op.secrets):
        yield "exec.secretenv"
    if op.ssh:
        yield "exec.mount.ssh"


def _from_client(op: ExecOp) -> list[bytes]:
    out = [encode_secret_file(each, each.target) for each in op.secrets if each.target is not None]
    out += [encode_agent(*pair) for pair in zip(op.ssh, _agent_targets(op.ssh), strict=True)]
    return out


def _agent_targets(agents: tuple[SSH, ...]) -> list[str]:
    return [each.target or f"/run/buildkit/ssh_agent.{place}" for place, each in enumerate(agents)]


def _ulimit(limit: Ulimit) -> bytes:
    soft, hard = number(number_tag(2), limit.soft), number(number_tag(3), limit.hard)
    return text(tag(1), limit.name) + soft + hard


def _device(device: Device) -> bytes:
    content = text(tag(1), device.name) + number(number_tag(2), device.optional)
    return message(_DEVICES, content)


def _proxy(proxy: ProxyEnv) -> bytes:
    values = (
        proxy.http_proxy,
        proxy.https_proxy,
        proxy.ftp_proxy,
        proxy.no_proxy,
        proxy.all_proxy,
    )
    return b"".join([text(tag(place), value) for place, value in enumerate(values, 1)])


def _pair(first: str, second: str) -> bytes:
    return text(tag(1), first) + text(tag(2), second)
