"""Containers and processes of a frontend are described as steps are, and refused as those."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llb import Network, Scratch, Security, bind, cache, secret, ssh, tmpfs
from llb.errors import InvalidValueError
from llb.gateway import Ref, bind_ref
from llb.gateway.container_messages import container_request, init_message, place_of

if TYPE_CHECKING:
    from llb._pb import gateway_pb2 as pb

ROOT, OTHER = Ref("root"), Ref("other")


def request(*mounts: Any, **options: Any) -> tuple[pb.NewContainerRequest, pb.InitMessage]:
    given = {
        "hostname": "",
        "network": Network.SANDBOX,
        "security": Security.SANDBOX,
        "extra_hosts": {},
        **options,
    }
    return container_request("id", ROOT, mounts, **given)


def test_trees_are_mounted_by_their_references() -> None:
    made, _ = request(
        bind_ref(OTHER, "/other/", path="sub", readonly=True), cache("/cache"), tmpfs("/tmp"), ssh()
    )
    found = [(mount.dest, mount.resultID, mount.selector, mount.readonly) for mount in made.Mounts]
    assert found == [
        ("/", "root", "", False),
        ("/cache", "", "", False),
        ("/other/", "other", "sub", True),
        ("/tmp", "", "", False),
        ("/run/buildkit/ssh_agent.0", "", "", False),
    ]


def test_a_container_has_the_settings_of_its_processes() -> None:
    made, common = request(
        hostname="builder",
        network=Network.HOST,
        security=Security.INSECURE,
        extra_hosts={"db": "10.0.0.1"},
    )
    assert (made.ContainerID, made.hostname, made.Network) == ("id", "builder", 1)
    assert [(host.Host, host.IP) for host in made.extraHosts] == [("db", "10.0.0.1")]
    assert common.Security == 1


@pytest.mark.parametrize(
    ("mounts", "message"),
    [
        ((bind_ref(OTHER, "/a"), bind_ref(OTHER, "/a/")), "a container has two mounts at /a/"),
        (
            (bind(Scratch().mkfile("/a", "1"), "/a"),),
            "the mount at /a is of a tree that is not solved",
        ),
        ((tmpfs("/a", size=1),), "a tmpfs of a container has no limit, /a is given one"),
        ((secret("a", env="A"),), "a container has no variables, A is one"),
    ],
)
def test_a_mount_that_a_container_cannot_have_is_refused(
    mounts: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        request(*mounts)
    assert caught.value.message == message


@pytest.mark.parametrize("target", ["relative", "/", ""])
def test_a_tree_is_mounted_below_the_root(target: str) -> None:
    with pytest.raises(InvalidValueError):
        bind_ref(OTHER, target)


def test_a_process_has_its_own_settings_before_those_of_its_container() -> None:
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
    assert [(each.ID, each.name) for each in first.secretenv] == [("token", "TOKEN")]
    common.Meta.CopyFrom(first.Meta)
    second = init_message(common, "make", env={"B": "2"}, workdir="deep")
    assert (second.Meta.cwd, second.Meta.user) == ("/src/deep", "app")
    assert {"A=1", "B=2"} <= set(second.Meta.env)
    assert list(second.Meta.args) == ["/bin/sh", "-c", "make"]


def test_a_process_has_no_mounts_of_its_own() -> None:
    _, common = request()
    with pytest.raises(InvalidValueError) as caught:
        init_message(common, "make", secrets=[secret("token")])
    assert caught.value.message == ("a process has no mounts of its own, /run/secrets/token is one")


@pytest.mark.parametrize(
    ("path", "target", "rest"),
    [
        ("/a", "/", "/a"),
        ("/other", "/other", "/sub"),
        ("/other/x/../y", "/other", "/sub/y"),
        ("/otherwise", "/", "/otherwise"),
        ("/other/deep/z", "/other/deep", "/z"),
    ],
)
def test_a_path_is_in_the_nearest_mount(path: str, target: str, rest: str) -> None:
    made, _ = request(bind_ref(OTHER, "/other", path="/sub"), bind_ref(OTHER, "/other/deep"))
    number, place = place_of(path, made.Mounts)
    assert (made.Mounts[number].dest, place) == (target, rest)


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(InvalidValueError) as caught:
        place_of("a", [])
    assert caught.value.message == "invalid path 'a': expected an absolute path"
