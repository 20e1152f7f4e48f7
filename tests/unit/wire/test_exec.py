"""Every field of an ExecOp is in its encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve, fields

from llb import Image, secret, ssh, tmpfs
from llb._pb import ops_pb2
from llb.definition.message_dict import plain
from llb.ops.env import Env
from llb.ops.nodes import (
    SSH,
    Bind,
    Constraints,
    Device,
    ExecOp,
    LinuxResources,
    Network,
    Output,
    Process,
    ProxyEnv,
    Secret,
    Security,
    Ulimit,
)
from llb.platforms import Platform
from llb.wire import MarshalOptions, marshal

if TYPE_CHECKING:
    from llb import Definition, State
    from llb.definition.decode import Vertex


ROOT = Image("alpine").output
PLAIN = ExecOp(("true",), ROOT, readonly_root=False, mounts=(), process=Process())
OTHER: dict[str, Any] = {
    "args": ("false",),
    "root": None,
    "readonly_root": True,
    "mounts": (Bind("/m", ROOT),),
    "process": Process(cwd="/src"),
    "valid_exit_codes": (3,),
    "secrets": (Secret("s", "/s", "S"),),
    "ssh": (SSH("default"),),
    "devices": (Device("vendor/class=name"),),
    "proxy": ProxyEnv(http_proxy="http://proxy"),
    "constraints": Constraints(resources=LinuxResources(memory=1)),
}
OTHER_PROCESS: dict[str, Any] = {
    "env": Env().set("A", "1"),
    "cwd": "/src",
    "user": "nobody",
    "hostname": "host",
    "network": Network.HOST,
    "security": Security.INSECURE,
    "extra_hosts": (("host", "10.0.0.1"),),
    "ulimits": (Ulimit("nofile", 1, 2),),
    "cgroup_parent": "/group",
}
ALL_SET = evolve(
    PLAIN,
    **{key: value for key, value in OTHER.items() if key not in ("root", "readonly_root")},
)


def definition(op: ExecOp) -> tuple[bytes, Any]:
    """Encode an operation, and return its metadata too."""
    encoded = marshal(Output(op), MarshalOptions(Platform("linux", "amd64")))
    vertex = encoded.vertices()[-2]
    return vertex.encoded, vertex.metadata


def test_every_field_has_a_second_value_in_these_tables() -> None:
    assert OTHER.keys() == {field.name for field in fields(ExecOp)} - {"call_site"}
    # The base is resolved before the process is encoded.
    assert OTHER_PROCESS.keys() == {field.name for field in fields(Process)} - {"base"}


@pytest.mark.parametrize("name", OTHER)
def test_a_field_changes_the_definition(name: str) -> None:
    assert definition(evolve(PLAIN, **{name: OTHER[name]})) != definition(PLAIN)


@pytest.mark.parametrize("name", [name for name in OTHER if name not in ("root", "readonly_root")])
def test_a_field_is_kept_among_all_others(name: str) -> None:
    without = evolve(ALL_SET, **{name: getattr(PLAIN, name)})
    assert definition(without) != definition(ALL_SET)


@pytest.mark.parametrize("name", OTHER_PROCESS)
def test_a_setting_of_the_process_changes_the_definition(name: str) -> None:
    process = evolve(PLAIN.process, **{name: OTHER_PROCESS[name]})
    assert definition(evolve(PLAIN, process=process)) != definition(PLAIN)


def test_a_process_with_every_field_can_be_decoded() -> None:
    data, metadata = definition(ALL_SET)
    op = plain(ops_pb2.Op.FromString(data))["exec"]
    assert list(op) == ["meta", "mounts", "secretenv", "cdiDevices"]
    assert list(op["meta"]) == [
        "args",
        "env",
        "cwd",
        "proxy_env",
        "removeMountStubsRecursive",
        "validExitCodes",
    ]
    assert [mount["dest"] for mount in op["mounts"]] == [
        "/",
        "/m",
        "/s",
        "/run/buildkit/ssh_agent.0",
    ]
    assert sorted(metadata.caps) == [
        "exec.meta.base",
        "exec.meta.cdi",
        "exec.meta.linux.resources",
        "exec.meta.proxyenv",
        "exec.mount.bind",
        "exec.mount.secret",
        "exec.mount.ssh",
        "exec.secretenv",
        "exec.validexitcode",
    ]


def test_the_variable_of_an_agent_applies_to_its_step_only() -> None:
    with_agent = evolve(PLAIN, ssh=OTHER["ssh"])
    after = evolve(PLAIN, root=Output(with_agent), args=("env",))
    ops = marshal(Output(after), MarshalOptions(Platform("linux", "amd64"))).ops
    variables = [
        plain(ops_pb2.Op.FromString(data))["exec"]["meta"].get("env", ()) for data in ops[1:3]
    ]
    assert variables == [("SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0",), ()]


BASE = {"exec.meta.base", "exec.mount.bind"}
ALPINE = Image("alpine")


def process_of(state: State) -> tuple[Vertex, frozenset[str]]:
    """Find the only process of a build, and the capabilities that it needs."""
    definition: Definition = state.marshal(platform="linux/amd64")
    (process,) = (vertex for vertex in definition.vertices() if vertex.kind == "exec")
    return process, definition.metadata[process.digest].caps


@pytest.mark.parametrize(
    ("state", "caps"),
    [
        (ALPINE.run("make"), set()),
        (ALPINE.run("make", mounts=[ssh()]), {"exec.mount.ssh"}),
        (ALPINE.run("make", mounts=[ssh(optional=True), secret("a")]),
         {"exec.mount.ssh", "exec.mount.secret"}),
        (ALPINE.run("make", mounts=[secret("a")]), {"exec.mount.secret"}),
        (ALPINE.run("make", mounts=[secret("a", env="A")]),
         {"exec.mount.secret", "exec.secretenv"}),
        (ALPINE.run("make", mounts=[tmpfs("/t")]), {"exec.mount.tmpfs"}),
        (ALPINE.network(Network.NONE).run("make"), {"exec.meta.network"}),
        (ALPINE.security(Security.INSECURE).run("make"), {"exec.meta.security"}),
        (ALPINE.ulimit("nofile", 10, 20).run("make"), {"exec.meta.ulimit"}),
        (ALPINE.run("make", devices=[Device("a")]), {"exec.meta.cdi"}),
        (ALPINE.proxy(ProxyEnv(http_proxy="h")).run("make"), {"exec.meta.proxyenv"}),
        (ALPINE.run("make", resources=LinuxResources(memory=1)), {"exec.meta.linux.resources"}),
    ],
)  # fmt: skip
def test_a_process_needs_the_capabilities_of_its_features(state: State, caps: set[str]) -> None:
    assert process_of(state)[1] == BASE | caps


def variables(state: State) -> list[str]:
    process, _ = process_of(state)
    meta: dict[str, Any] = process.op["meta"]
    return list(meta.get("env", ()))


def test_ssh_auth_sock_is_the_first_agent() -> None:
    state = ALPINE.run("make", mounts=[ssh("one"), ssh("two", target="/two")])
    assert variables(state) == ["SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0"]
    mounts = process_of(state)[0].op["mounts"]
    assert [mount["dest"] for mount in mounts[1:]] == ["/run/buildkit/ssh_agent.0", "/two"]


def test_a_variable_of_the_build_overrides_that_of_an_agent() -> None:
    state = ALPINE.env("SSH_AUTH_SOCK", "/mine").run("make", mounts=[ssh()])
    assert variables(state) == ["SSH_AUTH_SOCK=/mine"]
