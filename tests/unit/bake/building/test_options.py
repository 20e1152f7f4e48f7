"""Targets as image builds: attributes of the frontend, exporters and caches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llb import bake
from llb.bake.building.options import image_build, links
from llb.errors import BakeFileError, InputError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM scratch\n")


def test_the_dockerfile_is_relative_to_the_context() -> None:
    request = image_build(bake.Target("a", context="app")).request
    assert request.local_dirs == {"context": "app", "dockerfile": "app"}
    assert request.attrs["filename"] == "Dockerfile"


def test_attributes_of_a_target_are_those_of_the_frontend() -> None:
    target = bake.Target(
        "a",
        context="app",
        args={"A": "1"},
        labels={"l": "v"},
        target="stage",
        platforms=["linux/amd64,linux/arm64"],
        contexts={"base": "target:b", "alpine": "docker-image://alpine"},
        no_cache_filter=["x"],
        resources=bake.Resources({"memory": "1k", "cpu-shares": 5}),
        attest=[bake.Attestation("provenance", attributes={"mode": "max"})],
        extra_hosts={"h": "1.2.3.4"},
        shm_size="1m",
        ulimits=["nofile=1:2"],
    )
    assert dict(image_build(target).request.attrs) == {
        "filename": "Dockerfile",
        "build-arg:A": "1",
        "label:l": "v",
        "target": "stage",
        "platform": "linux/amd64,linux/arm64",
        "context:alpine": "docker-image://alpine",
        "no-cache": "x",
        "memory": "1024",
        "cpushares": "5",
        "attest:provenance": "mode=max",
        "add-hosts": "h=1.2.3.4",
        "shm-size": "1048576",
        "ulimit": "nofile=1:2",
    }
    assert links(target) == {"base": "b"}


def test_a_target_without_outputs_stays_in_the_cache() -> None:
    target = bake.Target("a", context="app", outputs=[bake.OutputEntry("cacheonly")])
    assert list(image_build(target).options["exports"]) == []


def test_outputs_have_the_tags() -> None:
    target = bake.Target("a", context="app", tags=["x"], outputs=[bake.OutputEntry("oci", "o.tar")])
    (export,) = image_build(target).options["exports"]
    assert (export.type, export.attrs["name"]) == ("oci", "x")


def test_errors_name_the_target() -> None:
    with pytest.raises(InputError, match="target a: no such Dockerfile: app/none/Dockerfile"):
        image_build(bake.Target("a", context="app", dockerfile="none/Dockerfile"))
    policy = bake.PolicyEntry(("p.rego",))
    with pytest.raises(BakeFileError, match="target a: policies in Rego are not supported"):
        image_build(bake.Target("a", context="app", policy=[policy]))
