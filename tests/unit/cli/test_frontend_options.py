"""The frontend options of ``llb build`` become frontend attributes."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest
from attrs import evolve

from llb.cli.frontend_options import FrontendOptions, to_request
from llb.client.image_build.request import FrontendRequest
from llb.client.session.local_inputs import unique_name
from llb.errors import InvalidValueError
from llb.platforms import Platform

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

NONE = FrontendOptions(
    dockerfile=None,
    frontend=None,
    evaluate_here=False,
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
    resources=(),
    attests=(),
    provenance=None,
    sbom=None,
    call=None,
    check=False,
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment without a Docker configuration, and without attestations by default."""
    return {"DOCKER_CONFIG": str(tmp_path / "docker"), "BUILDX_NO_DEFAULT_ATTESTATIONS": "true"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with Dockerfiles."""
    monkeypatch.chdir(tmp_path)
    for path in ("Dockerfile", "src/Dockerfile", "ci/App"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    return tmp_path


def make_request(
    environ: dict[str, str], context: str | BinaryIO = ".", **options: Any
) -> FrontendRequest:
    flags = evolve(NONE, **options)
    return to_request(flags, context, no_cache=False, environ=environ)


@pytest.mark.usefixtures("folder")
def test_a_directory_is_the_context_of_its_dockerfile(environ: dict[str, str]) -> None:
    assert make_request(environ, "src") == FrontendRequest(
        "dockerfile.v0",
        {"filename": "Dockerfile"},
        {"context": "src", "dockerfile": "src"},
        {},
    )


@pytest.mark.usefixtures("folder")
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
        ({"ulimits": ("nofile=10", "core=1:20")}, {"ulimit": "nofile=10,core=1:20"}),
        ({"cgroup_parent": "/a"}, {"cgroup-parent": "/a"}),
        ({"attests": ("type=sbom,generator=g",)}, {"attest:sbom": "generator=g"}),
        ({"provenance": "mode=max", "sbom": "true"},
         {"attest:provenance": "mode=max", "attest:sbom": ""}),
        ({"attests": ("type=sbom",), "sbom": "0"}, {"attest:sbom": ""}),
        ({"attests": ("type=sbom,disabled=true",), "sbom": "1"}, {}),
        ({"opt": {"hostname": "value"}}, {"hostname": "value"}),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("folder")
def test_options_are_attributes(
    environ: dict[str, str], options: dict[str, Any], attrs: dict[str, str]
) -> None:
    assert make_request(environ, **options).attrs == {**attrs, "filename": "Dockerfile"}


@pytest.mark.usefixtures("folder")
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
@pytest.mark.usefixtures("folder")
def test_an_invalid_value_is_refused(
    environ: dict[str, str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(click.UsageError) as caught:
        make_request(environ, **options)
    assert caught.value.message == message


@pytest.mark.usefixtures("folder")
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


def test_an_archive_on_standard_input_is_uploaded(environ: dict[str, str], tmp_path: Path) -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"archive"))
    request = make_request(
        environ, stream.buffer, dockerfile="App", contexts={"lib": str(tmp_path)}
    )
    (upload,) = request.uploads
    assert upload.content is stream.buffer
    assert request.attrs == {
        "filename": "App",
        "context": upload.url,
        "context:lib": f"local:{unique_name('lib', tmp_path)}",
    }
    assert request.local_dirs == {unique_name("lib", tmp_path): str(tmp_path)}


@pytest.mark.usefixtures("folder")
def test_a_dockerfile_on_standard_input_is_uploaded(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"FROM a")))
    request = make_request(environ, dockerfile="-")
    assert list(request.inputs) == ["dockerfile"]
    assert request.local_dirs == {"context": "."}
    assert request.attrs == {"filename": "Dockerfile"}


def test_a_dockerfile_may_be_missing_if_its_directory_is_replaced(
    environ: dict[str, str], tmp_path: Path
) -> None:
    local_dirs = {"dockerfile": str(tmp_path)}
    request = to_request(
        NONE, str(tmp_path), no_cache=False, local_dirs=local_dirs, environ=environ
    )
    assert request.attrs == {"filename": "Dockerfile"}


def test_the_default_platform_is_that_of_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", "linux/arm64,linux/386")
    assert NONE.platform_names == ("linux/arm64", "linux/386")
    assert list(NONE.set_flags()) == []
    assert evolve(NONE, platforms=("linux/amd64",)).platform_names == ("linux/amd64",)
    monkeypatch.delenv("DOCKER_DEFAULT_PLATFORM")
    assert not NONE.platform_names


@pytest.mark.usefixtures("folder")
def test_one_option_may_have_several_hosts(environ: dict[str, str]) -> None:
    hosts = ("a:1.2.3.4,b:1.2.3.5", "c=1.2.3.6,::1,[::2]", '"d:1.1.1.1"')
    assert make_request(environ, hosts=hosts).attrs["add-hosts"] == (
        "a=1.2.3.4,b=1.2.3.5,c=1.2.3.6,c=::1,c=::2,d=1.1.1.1"
    )


@pytest.mark.usefixtures("folder")
def test_a_platform_may_be_this_one_or_lack_a_part(environ: dict[str, str]) -> None:
    host = Platform.host()
    attrs = make_request(environ, platforms=("local, darwin", "arm64")).attrs
    expected = [str(host), f"darwin/{host.architecture}", f"{host.os}/arm64"]
    assert attrs["platform"].split(",") == expected


@pytest.mark.usefixtures("folder")
def test_limits_of_resources_are_attributes(environ: dict[str, str]) -> None:
    attrs = make_request(environ, resources=("memory=1k", "cpu-shares=5")).attrs
    assert (attrs["memory"], attrs["cpushares"]) == ("1024", "5")
    with pytest.raises(click.UsageError, match="invalid --resource 'memory'"):
        make_request(environ, resources=("memory",))


@pytest.mark.usefixtures("folder")
def test_the_first_option_of_a_kind_of_attestation_counts(environ: dict[str, str]) -> None:
    attests = ("type=provenance,mode=max", "type=provenance,disabled=true", "type=sbom,disabled=t")
    attrs = make_request(environ, attests=attests, provenance="false", sbom="true").attrs
    assert {key: attrs[key] for key in attrs if key.startswith("attest:")} == {
        "attest:provenance": "mode=max"
    }


@pytest.mark.usefixtures("folder")
def test_an_empty_value_is_no_value(environ: dict[str, str]) -> None:
    empty: dict[str, Any] = dict.fromkeys(
        ("target", "network", "cgroup_parent", "provenance", "sbom", "call"), ""
    )
    assert make_request(environ, **empty).attrs == {"filename": "Dockerfile"}
    assert evolve(NONE, **empty).request is None
