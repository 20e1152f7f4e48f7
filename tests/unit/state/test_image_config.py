"""The config of an image travels with the state: from the image below into the one on top."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import frozen

from llb import Image, Platform, Scratch
from llb.errors import InvalidValueError

DIGEST = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
BELOW = {
    "architecture": "arm",
    "variant": "v6",
    "os": "linux",
    "author": "someone",
    "config": {
        "User": "app",
        "Env": ["PATH=/bin", "EMPTY=", "A=b=c"],
        "Entrypoint": ["/entry"],
        "Cmd": ["serve"],
        "WorkingDir": "/srv",
        "Labels": {"k": "v"},
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/data": {}},
        "StopSignal": "SIGINT",
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5_000_000_000, "Retries": 3},
        "OnBuild": ["RUN true"],
        "Shell": ["/bin/bash", "-c"],
    },
    "rootfs": {"type": "layers", "diff_ids": [DIGEST]},
    "history": [{"created_by": "ADD rootfs"}, {"created_by": "CMD", "empty_layer": True}],
}


@frozen
class Resolver:
    """A registry with one image."""

    asked: list[tuple[str, Platform | None, str]]
    digest: str = DIGEST
    config: bytes = json.dumps(BELOW).encode()

    def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: str = "default"
    ) -> Resolver:
        self.asked.append((ref, platform, resolve_mode))
        return self


def config_of(state: Any) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(state.image_config())
    return config


def test_an_image_that_is_resolved_hands_its_config_on() -> None:
    state = Image("app", resolver=Resolver([]))
    below = {key: value for key, value in BELOW.items() if key != "rootfs"}
    assert config_of(state) == {**below, "rootfs": {"type": "layers", "diff_ids": []}}


def test_steps_use_the_environment_directory_and_platform_of_the_image() -> None:
    state = Image("app", resolver=Resolver([])).run("true")
    definition = state.marshal(platform="linux/amd64")
    run = definition.vertices()[-2]
    assert run.op["meta"]["env"] == ("PATH=/bin", "EMPTY=", "A=b=c")
    assert run.op["meta"]["cwd"] == "/srv"
    assert run.platform == "linux/arm/v6"
    # Like Go's client, the user of the image is not that of the step.
    assert "user" not in run.op["meta"]


def test_the_resolver_is_asked_for_what_is_built() -> None:
    resolver = Resolver([])
    Image("app:1", platform="linux/arm64", resolve_mode="pull", resolver=resolver)
    assert resolver.asked == [("docker.io/library/app:1", Platform("linux", "arm64"), "pull")]


def test_a_resolved_digest_stands_in_the_source() -> None:
    state = Image("app:1", resolver=Resolver([]), resolve_digest=True)
    source = state.marshal().vertices()[0]
    assert source.op["identifier"] == f"docker-image://docker.io/library/app:1@{DIGEST}"


def test_a_digest_needs_somebody_to_ask() -> None:
    with pytest.raises(InvalidValueError, match="resolve_digest needs a resolver"):
        Image("app", resolve_digest=True)


def test_what_the_state_says_comes_before_the_image_below() -> None:
    state = (
        Image("app", resolver=Resolver([]))
        .user("root")
        .workdir("sub")
        .env("A", None)
        .label("k", "mine")
        .expose("53/udp")
        .volume("/cache")
        .stop_signal("SIGTERM")
        .healthcheck(None)
        .onbuild("RUN false")
        .shell(["/bin/sh", "-c"])
    )
    config = config_of(state)["config"]
    assert config == {
        **BELOW["config"],  # type: ignore[dict-item]
        "User": "root",
        "WorkingDir": "/srv/sub",
        "Env": ["PATH=/bin", "EMPTY="],
        "Labels": {"k": "mine"},
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "Volumes": {"/data": {}, "/cache": {}},
        "StopSignal": "SIGTERM",
        "Healthcheck": {"Test": ["NONE"]},
        "OnBuild": ["RUN true", "RUN false"],
        "Shell": ["/bin/sh", "-c"],
    }


def test_an_entrypoint_drops_the_arguments_of_the_one_below() -> None:
    below = Image("app", resolver=Resolver([]))
    assert "Cmd" not in config_of(below.entrypoint(["/mine"]))["config"]
    own = config_of(below.cmd(["mine"]).entrypoint(["/mine"]))["config"]
    assert (own["Entrypoint"], own["Cmd"]) == (["/mine"], ["mine"])


def test_a_health_check_is_in_nanoseconds() -> None:
    state = Scratch().healthcheck("curl localhost", interval=30, start_interval=0.5, retries=2)
    assert config_of(state)["config"]["Healthcheck"] == {
        "Test": ["CMD-SHELL", "curl localhost"],
        "Interval": 30_000_000_000,
        "StartInterval": 500_000_000,
        "Retries": 2,
    }


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b'{"config": 5}', b'{"config": {"Env": 5}}'])
def test_what_is_no_config_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidValueError) as caught:
        Scratch().with_image_config(data)
    assert caught.value.message == (
        "invalid image config: expected JSON of the OCI image specification"
    )
