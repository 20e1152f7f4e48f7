"""The options of ``llb build`` as the attributes that a Dockerfile's frontend reads."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest
from attrs import evolve

from llb.cli.frontend_options import FrontendOptions, FrontendRequest, to_request
from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    from pathlib import Path

NONE = FrontendOptions(
    dockerfile=None,
    frontend=None,
    opt={},
    target=None,
    platforms=(),
    build_args={},
    contexts={},
    labels={},
    no_cache_stages=(),
    pull=False,
    hosts=(),
    network=None,
    shm_size=None,
    ulimits=(),
    cgroup_parent=None,
    attests=(),
    provenance=None,
    sbom=None,
    call=None,
    check=False,
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment without a configuration of Docker's."""
    return {"DOCKER_CONFIG": str(tmp_path / "docker")}


def asked(environ: dict[str, str], source: str = ".", **options: Any) -> FrontendRequest:
    given = evolve(NONE, **options)
    return to_request(given, source, no_cache=False, environ=environ)


def test_a_directory_is_the_context_of_its_dockerfile(environ: dict[str, str]) -> None:
    assert asked(environ, "src") == FrontendRequest(
        "dockerfile.v0",
        {"filename": "Dockerfile"},
        {"context": "src", "dockerfile": "src"},
        {},
    )


def test_a_dockerfile_may_be_elsewhere(environ: dict[str, str]) -> None:
    request = asked(environ, "src", dockerfile="ci/App", frontend="gateway.v0")
    assert request == FrontendRequest(
        "gateway.v0", {"filename": "App"}, {"context": "src", "dockerfile": "ci"}, {}
    )


@pytest.mark.parametrize(
    ("options", "attrs"),
    [
        ({"target": "app"}, {"target": "app"}),
        ({"platforms": ("linux/amd64,linux/arm64", "linux/386")},
         {"platform": "linux/amd64,linux/arm64,linux/386"}),
        ({"build_args": {"A": "1"}, "labels": {"b": "2"}}, {"build-arg:A": "1", "label:b": "2"}),
        ({"no_cache_stages": ("a", "b")}, {"no-cache": "a,b"}),
        ({"pull": True}, {"image-resolve-mode": "pull"}),
        ({"hosts": ("a:1.2.3.4", "b=::1")}, {"add-hosts": "a=1.2.3.4,b=::1"}),
        ({"network": "default"}, {"force-network-mode": "sandbox"}),
        ({"shm_size": "64"}, {"shm-size": "64"}),
        ({"shm_size": "64 kb"}, {"shm-size": "65536"}),
        ({"shm_size": "1GiB"}, {"shm-size": "1073741824"}),
        ({"ulimits": ("nofile=10", "core=-1:20")}, {"ulimit": "nofile=10,core=-1:20"}),
        ({"cgroup_parent": "/a"}, {"cgroup-parent": "/a"}),
        ({"attests": ("type=sbom,generator=g",)}, {"attest:sbom": "generator=g"}),
        ({"provenance": "mode=max", "sbom": "true"},
         {"attest:provenance": "mode=max", "attest:sbom": ""}),
        ({"attests": ("type=sbom",), "sbom": "0"}, {}),
        ({"opt": {"key": "value"}}, {"key": "value"}),
    ],
)  # fmt: skip
def test_options_are_attributes(
    environ: dict[str, str], options: dict[str, Any], attrs: dict[str, str]
) -> None:
    assert asked(environ, **options).attrs == {**attrs, "filename": "Dockerfile"}


def test_no_cache_is_for_all_stages(environ: dict[str, str]) -> None:
    request = to_request(NONE, ".", no_cache=True, environ=environ)
    assert request.attrs["no-cache"] == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hosts": ("a",)}, "--add-host takes NAME:IP, not 'a'"),
        ({"hosts": (":1",)}, "--add-host takes NAME:IP, not ':1'"),
        ({"shm_size": "large"}, "--shm-size takes a size as 64m, not 'large'"),
        ({"ulimits": ("nofile",)}, "--ulimit takes NAME=SOFT[:HARD], not 'nofile'"),
        ({"attests": ("sbom",)}, "--attest takes type=KIND,key=value…, not 'sbom'"),
        ({"attests": ("type=",)}, "--attest takes type=KIND,key=value…, not 'type='"),
    ],
)
def test_an_invalid_value_is_refused(
    environ: dict[str, str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(click.UsageError) as caught:
        asked(environ, **options)
    assert caught.value.message == message


def test_an_unknown_network_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(InvalidValueError) as caught:
        asked(environ, network="x")
    assert caught.value.message == "unknown network 'x': expected default, none, host"


def test_what_was_given_is_named_as_it_is_spelled() -> None:
    given = evolve(NONE, target="a", platforms=("linux/amd64",), check=True, opt={"a": "b"})
    assert list(given.given()) == ["--opt", "--target", "--platform", "--check"]


@pytest.mark.parametrize(
    ("options", "request_id", "wants_json"),
    [
        ({}, None, False),
        ({"call": "build"}, None, False),
        ({"check": True}, "frontend.lint", False),
        ({"call": "check,format=json"}, "frontend.lint", True),
        ({"call": "outline"}, "frontend.outline", False),
        ({"call": "frontend.targets,format=text"}, "frontend.targets", False),
    ],
)
def test_a_request_has_the_name_that_the_frontend_knows(
    options: dict[str, object], request_id: str | None, *, wants_json: bool
) -> None:
    given = evolve(NONE, **options)  # type: ignore[arg-type]
    assert (given.request, given.wants_json) == (request_id, wants_json)


# Contexts.


@pytest.mark.parametrize(
    "value",
    ["docker-image://a", "https://a/b", "git@h:a", "ssh://h/a", "target:a", "input:a"],
)
def test_a_context_elsewhere_is_named_as_it_is(environ: dict[str, str], value: str) -> None:
    request = asked(environ, contexts={"lib": value})
    assert request.attrs["context:lib"] == value
    assert request.local_dirs == {"context": ".", "dockerfile": "."}


def test_a_directory_is_a_context_under_its_own_name(
    environ: dict[str, str], tmp_path: Path
) -> None:
    request = asked(environ, contexts={"lib": str(tmp_path)})
    assert request.attrs["context:lib"] == "local:lib"
    assert request.local_dirs == {"context": ".", "dockerfile": ".", "lib": str(tmp_path)}


def test_a_context_that_does_not_exist_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(InputError) as caught:
        asked(environ, contexts={"lib": "none"})
    assert caught.value.message == "there is no directory none for the context lib"


@pytest.fixture
def layout(tmp_path: Path) -> tuple[Path, str]:
    """An OCI layout with an image `latest`, and the digest of that."""
    folder = tmp_path / "layout"
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    manifest = json.dumps({"schemaVersion": 2}).encode()
    digest = hashlib.sha256(manifest).hexdigest()
    (blobs / digest).write_bytes(manifest)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    descriptor = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": f"sha256:{digest}",
        "size": len(manifest),
        "annotations": {"org.opencontainers.image.ref.name": "latest"},
    }
    (folder / "index.json").write_text(json.dumps({"manifests": [descriptor]}))
    return folder, f"sha256:{digest}"


@pytest.mark.parametrize("suffix", ["", ":latest", "@DIGEST"])
def test_an_image_in_a_layout_is_a_context(
    environ: dict[str, str], layout: tuple[Path, str], suffix: str
) -> None:
    folder, digest = layout
    value = f"oci-layout://{folder}{suffix.replace('DIGEST', digest)}"
    request = asked(environ, contexts={"base": value})
    assert request.attrs["context:base"] == f"oci-layout://layout0@{digest}"
    assert request.layouts == {"layout0": str(folder)}


def test_a_tag_that_a_layout_does_not_have_is_refused(
    environ: dict[str, str], layout: tuple[Path, str]
) -> None:
    folder, _ = layout
    with pytest.raises(InputError) as caught:
        asked(environ, contexts={"base": f"oci-layout://{folder}:v2"})
    assert caught.value.message == f"there is no v2 in the OCI layout {folder}"


def test_an_archive_on_standard_input_is_uploaded(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"archive"))
    monkeypatch.setattr(sys, "stdin", stream)
    request = asked(environ, "-", dockerfile="App", contexts={"lib": str(tmp_path)})
    (upload,) = request.uploads
    assert upload.content is stream.buffer
    assert request.attrs == {
        "filename": "App",
        "context": upload.url,
        "context:lib": "local:lib",
    }
    assert request.local_dirs == {"lib": str(tmp_path)}


# What the environment says.


def test_the_time_and_the_proxies_of_the_environment_are_build_args(
    environ: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "docker"
    folder.mkdir()
    proxies = {"default": {"httpProxy": "http://p", "noProxy": "h"}}
    (folder / "config.json").write_text(json.dumps({"proxies": proxies}))
    attrs = asked({**environ, "SOURCE_DATE_EPOCH": "1"}, build_args={"NO_PROXY": "mine"}).attrs
    assert attrs == {
        "build-arg:SOURCE_DATE_EPOCH": "1",
        "build-arg:HTTP_PROXY": "http://p",
        "build-arg:NO_PROXY": "mine",
        "filename": "Dockerfile",
    }
