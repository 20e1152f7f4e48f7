"""The frontend options of ``llb build`` become frontend attributes."""

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
    """An environment without a Docker configuration."""
    return {"DOCKER_CONFIG": str(tmp_path / "docker")}


def make_request(environ: dict[str, str], source: str = ".", **options: Any) -> FrontendRequest:
    flags = evolve(NONE, **options)
    return to_request(flags, source, no_cache=False, environ=environ)


def test_a_directory_is_the_context_of_its_dockerfile(environ: dict[str, str]) -> None:
    assert make_request(environ, "src") == FrontendRequest(
        "dockerfile.v0",
        {"filename": "Dockerfile"},
        {"context": "src", "dockerfile": "src"},
        {},
    )


def test_a_dockerfile_may_be_elsewhere(environ: dict[str, str]) -> None:
    request = make_request(environ, "src", dockerfile="ci/App", frontend="gateway.v0")
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
    assert make_request(environ, **options).attrs == {**attrs, "filename": "Dockerfile"}


def test_no_cache_applies_to_all_stages(environ: dict[str, str]) -> None:
    request = to_request(NONE, ".", no_cache=True, environ=environ)
    assert request.attrs["no-cache"] == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hosts": ("a",)}, "invalid --add-host 'a': expected NAME:IP"),
        ({"hosts": (":1",)}, "invalid --add-host ':1': expected NAME:IP"),
        ({"shm_size": "large"}, "invalid --shm-size 'large': expected a size such as 64m"),
        ({"ulimits": ("nofile",)}, "invalid --ulimit 'nofile': expected NAME=SOFT[:HARD]"),
        ({"attests": ("sbom",)}, "invalid --attest 'sbom': expected type=KIND,key=value…"),
        ({"attests": ("type=",)}, "invalid --attest 'type=': expected type=KIND,key=value…"),
    ],
)
def test_an_invalid_value_is_refused(
    environ: dict[str, str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(click.UsageError) as caught:
        make_request(environ, **options)
    assert caught.value.message == message


def test_an_unknown_network_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(InvalidValueError) as caught:
        make_request(environ, network="x")
    assert caught.value.message == "invalid network 'x': expected default, none, host"


def test_set_flags_are_listed_as_spelled() -> None:
    flags = evolve(NONE, target="a", platforms=("linux/amd64",), check=True, opt={"a": "b"})
    assert list(flags.set_flags()) == ["--opt", "--target", "--platform", "--check"]


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
def test_a_call_becomes_the_request_id_of_the_frontend(
    options: dict[str, object], request_id: str | None, *, wants_json: bool
) -> None:
    flags = evolve(NONE, **options)  # type: ignore[arg-type]
    assert (flags.request, flags.wants_json) == (request_id, wants_json)


# Named contexts.


@pytest.mark.parametrize(
    "value",
    ["docker-image://a", "https://a/b", "git@h:a", "ssh://h/a", "target:a", "input:a"],
)
def test_a_remote_context_is_passed_on_unchanged(environ: dict[str, str], value: str) -> None:
    request = make_request(environ, contexts={"lib": value})
    assert request.attrs["context:lib"] == value
    assert request.local_dirs == {"context": ".", "dockerfile": "."}


def test_a_directory_becomes_a_local_context(environ: dict[str, str], tmp_path: Path) -> None:
    request = make_request(environ, contexts={"lib": str(tmp_path)})
    assert request.attrs["context:lib"] == "local:lib"
    assert request.local_dirs == {"context": ".", "dockerfile": ".", "lib": str(tmp_path)}


def test_a_context_that_does_not_exist_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(InputError) as caught:
        make_request(environ, contexts={"lib": "none"})
    assert caught.value.message == "build context lib: no such directory: none"


@pytest.fixture
def layout(tmp_path: Path) -> tuple[Path, str]:
    """An OCI layout with an image tagged `latest`, and the digest of its manifest."""
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
    request = make_request(environ, contexts={"base": value})
    assert request.attrs["context:base"] == f"oci-layout://layout0@{digest}"
    assert request.layouts == {"layout0": str(folder)}


def test_a_tag_missing_from_a_layout_is_refused(
    environ: dict[str, str], layout: tuple[Path, str]
) -> None:
    folder, _ = layout
    with pytest.raises(InputError) as caught:
        make_request(environ, contexts={"base": f"oci-layout://{folder}:v2"})
    assert caught.value.message == f"no tag v2 in the OCI layout {folder}"


def test_an_archive_on_standard_input_is_uploaded(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"archive"))
    monkeypatch.setattr(sys, "stdin", stream)
    request = make_request(environ, "-", dockerfile="App", contexts={"lib": str(tmp_path)})
    (upload,) = request.uploads
    assert upload.content is stream.buffer
    assert request.attrs == {
        "filename": "App",
        "context": upload.url,
        "context:lib": "local:lib",
    }
    assert request.local_dirs == {"lib": str(tmp_path)}


# Environment.


def test_the_source_date_epoch_and_the_proxies_are_build_args(
    environ: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "docker"
    folder.mkdir()
    proxies = {"default": {"httpProxy": "http://p", "noProxy": "h"}}
    (folder / "config.json").write_text(json.dumps({"proxies": proxies}))
    attrs = make_request(
        {**environ, "SOURCE_DATE_EPOCH": "1"}, build_args={"NO_PROXY": "mine"}
    ).attrs
    assert attrs == {
        "build-arg:SOURCE_DATE_EPOCH": "1",
        "build-arg:HTTP_PROXY": "http://p",
        "build-arg:NO_PROXY": "mine",
        "filename": "Dockerfile",
    }
