"""Typed arguments become attributes of the Dockerfile frontend."""

from __future__ import annotations

import pytest

from llb.client.image_build.dockerfile import DockerfileOptions, dockerfile_attrs
from llb.errors import InvalidValueError
from llb.platforms import Platform


@pytest.mark.feature("K2", "K15")
@pytest.mark.parametrize(
    ("options", "attrs"),
    [
        ({}, {}),
        ({"build_args": {"A": ""}, "labels": {"b": "c"}}, {"build-arg:A": "", "label:b": "c"}),
        ({"platforms": ["linux/amd64", "linux/arm64/v8"]}, {"platform": "linux/amd64,linux/arm64"}),
        ({"platforms": [Platform("linux", "arm", "v7")]}, {"platform": "linux/arm/v7"}),
        ({"no_cache": True}, {"no-cache": ""}),
        ({"no_cache": False}, {}),
        ({"no_cache": ["one", "two"]}, {"no-cache": "one,two"}),
        ({"pull": True, "target": "t"}, {"image-resolve-mode": "pull", "target": "t"}),
        ({"hosts": {"a": "1.2.3.4", "b": "::1"}}, {"add-hosts": "a=1.2.3.4,b=::1"}),
        ({"hosts": {"a": "1.2.3.4,::1"}}, {"add-hosts": "a=1.2.3.4,a=::1"}),
        ({"network": "default"}, {"force-network-mode": "sandbox"}),
        ({"shm_size": 64 << 20}, {"shm-size": "67108864"}),
        ({"ulimits": {"nofile": 1, "core": (2, -1)}}, {"ulimit": "nofile=1,core=2:-1"}),
        ({"cgroup_parent": "/builds"}, {"cgroup-parent": "/builds"}),
        (
            {"provenance": "mode=max", "sbom": True},
            {"attest:provenance": "mode=max", "attest:sbom": ""},
        ),
        ({"attests": {"sbom": "generator=x"}, "sbom": False}, {}),
        ({"attests": {"sbom": "generator=x"}}, {"attest:sbom": "generator=x"}),
    ],
)
def test_arguments_become_attributes(options: DockerfileOptions, attrs: dict[str, str]) -> None:
    assert dockerfile_attrs(**options) == attrs


@pytest.mark.feature("K15")
def test_unknown_options_and_invalid_values_are_refused() -> None:
    with pytest.raises(TypeError, match="'targt'; did you mean target"):
        dockerfile_attrs(targt="x")  # type: ignore[call-arg]
    with pytest.raises(InvalidValueError, match="invalid network 'bridge': expected default"):
        dockerfile_attrs(network="bridge")  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="invalid platform"):
        dockerfile_attrs(platforms=["linux/"])
