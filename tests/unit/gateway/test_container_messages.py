"""Containers and processes of a frontend: their messages, and the settings that are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llb import Network, Scratch, Security, bind, cache, secret, ssh, tmpfs
from llb.errors import InvalidValueError
from llb.gateway import Ref, bind_ref
from llb.gateway.container_messages import container_request, init_message, locate_in_mount

if TYPE_CHECKING:
    from llb._pb import gateway_pb2 as pb

ROOT, OTHER = Ref("root"), Ref("other")


def request(*mounts: Any, **options: Any) -> tuple[pb.NewContainerRequest, pb.InitMessage]:
    settings = {
        "hostname": "",
        "network": Network.SANDBOX,
        "security": Security.SANDBOX,
        "extra_hosts": {},
        **options,
    }
    return container_request("id", ROOT, mounts, **settings)


def test_trees_are_mounted_by_their_references() -> None:
    message, _ = request(
        bind_ref(OTHER, "/other/", path="sub", readonly=True), cache("/cache"), tmpfs("/tmp"), ssh()
    )
    mounts = [
        (mount.dest, mount.resultID, mount.selector, mount.readonly) for mount in message.Mounts
    ]
    assert mounts == [
        ("/", "root", "", False),
        ("/cache", "", "", False),
        ("/other/", "other", "sub", True),
        ("/tmp", "", "", False),
        ("/run/buildkit/ssh_agent.0", "", "", False),
    ]


def test_a_container_has_the_settings_of_its_processes() -> None:
    message, common = request(
        hostname="builder",
        network=Network.HOST,
        security=Security.INSECURE,
        extra_hosts={"db": "10.0.0.1"},
    )
    assert (message.ContainerID, message.hostname, message.Network) == ("id", "builder", 1)
    assert [(host.Host, host.IP) for host in message.extraHosts] == [("db", "10.0.0.1")]
    assert common.Security == 1


@pytest.mark.parametrize(
    ("mounts", "message"),
    [
        ((bind_ref(OTHER, "/a"), bind_ref(OTHER, "/a/")), "a container has two mounts at /a/"),
        (
            (bind(Scratch().mkfile("/a", "1"), "/a"),),
            "the tree mounted at /a is not solved",
        ),
        (
            (tmpfs("/a", size=1),),
            "invalid size of the tmpfs /a: a tmpfs of a container has no limit",
        ),
        (
            (secret("a", env="A"),),
            "invalid secret A of a container: only processes have variables",
        ),
    ],
)
def test_an_invalid_mount_of_a_container_is_refused(mounts: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        request(*mounts)
    assert caught.value.message == message


@pytest.mark.parametrize("target", ["relative", "/", ""])
def test_a_tree_is_mounted_below_the_root(target: str) -> None:
    with pytest.raises(InvalidValueError):
        bind_ref(OTHER, target)


def test_settings_of_a_process_override_those_of_its_container() -> None:
    _, common = request(security=Security.INSECURE)
    first = init_message(
        common,
        ["make", "all"],
        env={"A": "1"},
        workdir="/src",
        user="app",
        tty=True,
        secrets=[secret("token", env="TOKEN")],
    )
    assert (first.ContainerID, first.Tty, first.Security) == ("id", True, 1)
    assert (list(first.Meta.args), first.Meta.cwd, first.Meta.user) == (
        ["make", "all"],
        "/src",
        "app",
    )
    assert [(variable.ID, variable.name) for variable in first.secretenv] == [("token", "TOKEN")]
    common.Meta.CopyFrom(first.Meta)
    second = init_message(common, "make", env={"B": "2"}, workdir="deep")
    assert (second.Meta.cwd, second.Meta.user) == ("/src/deep", "app")
    assert {"A=1", "B=2"} <= set(second.Meta.env)
    assert list(second.Meta.args) == ["/bin/sh", "-c", "make"]


def test_a_mount_of_a_process_is_refused() -> None:
    _, common = request()
    with pytest.raises(InvalidValueError) as caught:
        init_message(common, "make", secrets=[secret("token")])
    assert caught.value.message == (
        "invalid mount /run/secrets/token of a process: only containers have mounts"
    )


@pytest.mark.parametrize(
    ("path", "target", "path_in_tree"),
    [
        ("/a", "/", "/a"),
        ("/other", "/other", "/sub"),
        ("/other/x/../y", "/other", "/sub/y"),
        ("/otherwise", "/", "/otherwise"),
        ("/other/deep/z", "/other/deep", "/z"),
    ],
)
def test_a_path_is_in_the_nearest_mount(path: str, target: str, path_in_tree: str) -> None:
    message, _ = request(bind_ref(OTHER, "/other", path="/sub"), bind_ref(OTHER, "/other/deep"))
    index, path_found = locate_in_mount(path, message.Mounts)
    assert (message.Mounts[index].dest, path_found) == (target, path_in_tree)


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(InvalidValueError) as caught:
        locate_in_mount("a", [])
    assert caught.value.message == "invalid path 'a': expected an absolute path"
