"""A process is sent with the capabilities that it uses, and with no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llb import Device, Image, LinuxResources, Network, ProxyEnv, Security, secret, ssh, tmpfs

if TYPE_CHECKING:
    from llb import Definition, State
    from llb.decoding import Vertex

BASE = {"exec.meta.base", "exec.mount.bind"}
ALPINE = Image("alpine")


def process_of(state: State) -> tuple[Vertex, frozenset[str]]:
    """Return the only process of a build, with the capabilities that it needs."""
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
def test_a_process_needs_the_capabilities_of_what_it_uses(state: State, caps: set[str]) -> None:
    assert process_of(state)[1] == BASE | caps


def variables(state: State) -> list[str]:
    process, _ = process_of(state)
    found: dict[str, Any] = process.op["meta"]
    return list(found.get("env", ()))


def test_the_first_agent_is_the_one_that_programs_find() -> None:
    state = ALPINE.run("make", mounts=[ssh("one"), ssh("two", target="/two")])
    assert variables(state) == ["SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0"]
    mounts = process_of(state)[0].op["mounts"]
    assert [mount["dest"] for mount in mounts[1:]] == ["/run/buildkit/ssh_agent.0", "/two"]


def test_a_variable_of_the_build_comes_before_that_of_an_agent() -> None:
    state = ALPINE.env("SSH_AUTH_SOCK", "/mine").run("make", mounts=[ssh()])
    assert variables(state) == ["SSH_AUTH_SOCK=/mine"]
