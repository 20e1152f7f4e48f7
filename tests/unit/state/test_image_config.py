"""Image configs are inherited from the base image, and written as Go writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import frozen

from llb import Healthcheck, Image, ImageConfig, Platform, ResolvedImage, Scratch
from llb.errors import InvalidValueError

DIGEST = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
BASE = {
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
    """A resolver that knows a single image and records its requests."""

    requests: list[tuple[str, Platform | None, str]]

    def resolve_image_config(
        self, ref: str, *, platform: Platform | None = None, resolve_mode: str = "default"
    ) -> ResolvedImage:
        self.requests.append((ref, platform, resolve_mode))
        return ResolvedImage(DIGEST, json.dumps(BASE).encode())


def config_of(state: Any) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(state.image_config())
    return config


def test_a_resolved_image_passes_on_its_config() -> None:
    state = Image("app", resolver=Resolver([]))
    base = {key: value for key, value in BASE.items() if key != "rootfs"}
    assert config_of(state) == {**base, "rootfs": {"type": "layers", "diff_ids": []}}


def test_steps_inherit_the_environment_directory_and_platform_of_the_image() -> None:
    state = Image("app", resolver=Resolver([])).run("true")
    definition = state.marshal(platform="linux/amd64")
    run = definition.vertices()[-2]
    assert run.op["meta"]["env"] == ("PATH=/bin", "EMPTY=", "A=b=c")
    assert run.op["meta"]["cwd"] == "/srv"
    assert run.platform == "linux/arm/v6"
    # Like Go's client, the user of the image is not that of the step.
    assert "user" not in run.op["meta"]


def test_the_resolver_is_asked_for_the_reference_and_platform_of_the_image() -> None:
    resolver = Resolver([])
    Image("app:1", platform="linux/arm64", resolve_mode="pull", resolver=resolver)
    assert resolver.requests == [("docker.io/library/app:1", Platform("linux", "arm64"), "pull")]


def test_a_resolved_digest_is_pinned_in_the_source() -> None:
    state = Image("app:1", resolver=Resolver([]), resolve_digest=True)
    source = state.marshal().vertices()[0]
    assert source.op["identifier"] == f"docker-image://docker.io/library/app:1@{DIGEST}"


def test_resolve_digest_needs_a_resolver() -> None:
    with pytest.raises(InvalidValueError, match="resolve_digest needs a resolver"):
        Image("app", resolve_digest=True)


def test_settings_of_the_state_override_the_base_image() -> None:
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
        **BASE["config"],  # type: ignore[dict-item]
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


def test_an_entrypoint_drops_the_arguments_of_the_base_image() -> None:
    base = Image("app", resolver=Resolver([]))
    assert "Cmd" not in config_of(base.entrypoint(["/mine"]))["config"]
    own = config_of(base.cmd(["mine"]).entrypoint(["/mine"]))["config"]
    assert (own["Entrypoint"], own["Cmd"]) == (["/mine"], ["mine"])


def test_health_check_times_are_written_in_nanoseconds() -> None:
    state = Scratch().healthcheck("curl localhost", interval=30, start_interval=0.5, retries=2)
    assert config_of(state)["config"]["Healthcheck"] == {
        "Test": ["CMD-SHELL", "curl localhost"],
        "Interval": 30_000_000_000,
        "StartInterval": 500_000_000,
        "Retries": 2,
    }


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b'{"config": 5}', b'{"config": {"Env": 5}}'])
def test_an_invalid_config_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidValueError) as caught:
        Scratch().with_image_config(data)
    assert caught.value.message == (
        "invalid image config: expected JSON of the OCI image specification"
    )


FULL = (
    '{"created":"2020-01-01T00:00:00Z","author":"me","architecture":"arm","os":"linux",'
    '"os.version":"1","os.features":["f"],"variant":"v7",'
    '"rootfs":{"type":"layers","diff_ids":["sha256:1"]},'
    '"history":[{"created":"t","created_by":"x","author":"a","comment":"c","empty_layer":true}],'
    '"config":{"User":"u","ExposedPorts":{"443":{},"80/tcp":{}},"Env":["A=1","A=2","B"],'
    '"Entrypoint":["e"],"Cmd":["c"],"Volumes":{"/a":{},"/b":{}},"WorkingDir":"/w",'
    '"Labels":{"a":"\\u003c1\\u003e","b":""},"StopSignal":"INT","ArgsEscaped":true,'
    '"Healthcheck":{"Test":["NONE"],"Interval":1,"Timeout":2,"StartPeriod":3,"StartInterval":4,'
    '"Retries":5},"OnBuild":["RUN x"],"Shell":["sh"]}}'
)


def test_a_config_is_read_and_written_as_go_does() -> None:
    config = ImageConfig.from_json(FULL)
    assert config.to_json().decode() == FULL
    assert config.platform == Platform("linux", "arm", "v7", "1", ("f",))
    assert config.env == ("A=1", "A=2", "B")
    assert config.variables == {"A": "2", "B": ""}
    assert config.healthcheck == Healthcheck(("NONE",), 1, 2, 3, 4, 5)


def test_a_config_keeps_unknown_entries_but_does_not_write_them() -> None:
    config = ImageConfig.from_json('{"config": {"User": "u", "Memory": 5}, "other": 1}')
    assert config.other == {"Memory": 5}
    assert config.to_json() == (
        b'{"architecture":"","os":"","rootfs":{"type":"","diff_ids":null},"config":{"User":"u"}}'
    )


def test_a_config_keeps_its_os_version_only_for_the_same_platform() -> None:
    config = ImageConfig(platform=Platform("windows", "amd64", os_version="10"))
    same, different = Platform("windows", "amd64"), Platform("linux", "amd64")
    assert config.with_platform(same).platform == config.platform
    assert config.with_platform(different).platform == different
