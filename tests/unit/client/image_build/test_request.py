"""The arguments of an image build become a request to a frontend and the options of a build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llb import Platform
from llb.client import image, local
from llb.client.image_build.request import (
    FrontendRequest,
    ImageBuild,
    allowed,
    to_frontend_request,
    to_image_build,
)
from llb.errors import InputError, InvalidValueError, UnknownKeyWarning

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment without a Docker configuration, and without attestations by default."""
    return {"DOCKER_CONFIG": str(tmp_path / "docker"), "BUILDX_NO_DEFAULT_ATTESTATIONS": "true"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").touch()
    return folder


def prepare(folder: Path, environ: Mapping[str, str], **options: Any) -> ImageBuild:
    return to_image_build(folder, options, environ)  # type: ignore[arg-type]


def test_a_build_without_options_makes_an_image(folder: Path, environ: dict[str, str]) -> None:
    local_dirs = {"context": str(folder), "dockerfile": str(folder)}
    assert prepare(folder, environ) == ImageBuild(
        FrontendRequest("dockerfile.v0", {"filename": "Dockerfile"}, local_dirs, {}),
        {
            "allow": (),
            "local_dirs": local_dirs,
            "oci_layouts": {},
            "uploads": (),
            "exports": [image()],
        },
    )


@pytest.mark.parametrize(
    ("options", "attrs"),
    [
        ({"target": "app"}, {"target": "app"}),
        ({"build_args": {"A": 1}, "labels": {"b": "2"}}, {"build-arg:A": "1", "label:b": "2"}),
        ({"platforms": "linux/amd64, linux/arm64"}, {"platform": "linux/amd64,linux/arm64"}),
        ({"platforms": Platform("linux", "386")}, {"platform": "linux/386"}),
        ({"platforms": ["linux/amd64", Platform("linux", "386")]},
         {"platform": "linux/amd64,linux/386"}),
        ({"no_cache": True}, {"no-cache": ""}),
        ({"no_cache": False}, {}),
        ({"no_cache": "a"}, {"no-cache": "a"}),
        ({"no_cache": ["a", "b"]}, {"no-cache": "a,b"}),
        ({"pull": True}, {"image-resolve-mode": "pull"}),
        ({"extra_hosts": {"a": "1.2.3.4"}}, {"add-hosts": "a=1.2.3.4"}),
        ({"network": "none"}, {"force-network-mode": "none"}),
        ({"shm_size": "64m"}, {"shm-size": "67108864"}),
        ({"ulimits": {"nofile": (1, 2)}}, {"ulimit": "nofile=1:2"}),
        ({"cgroup_parent": "/a"}, {"cgroup-parent": "/a"}),
        ({"provenance": True, "sbom": "generator=g"},
         {"attest:provenance": "", "attest:sbom": "generator=g"}),
        ({"provenance": False}, {}),
        ({"attestations": {"sbom": True, "provenance": "mode=max", "other": False}},
         {"attest:sbom": "", "attest:provenance": "mode=max"}),
        ({"frontend_attrs": {"vcs:source": "b"}}, {"vcs:source": "b"}),
        ({"contexts": {"base": "docker-image://a"}}, {"context:base": "docker-image://a"}),
        (dict.fromkeys(("target", "build_args", "labels", "platforms", "network", "shm_size",
                        "ulimits", "attestations", "provenance", "contexts", "tags")), {}),
    ],
)  # fmt: skip
def test_options_are_attributes(
    folder: Path, environ: dict[str, str], options: dict[str, Any], attrs: dict[str, str]
) -> None:
    request = prepare(folder, environ, **options).request
    assert request.attrs == {"filename": "Dockerfile", **attrs}


PROVENANCE = {"attest:provenance": "mode=min,inline-only=true"}


@pytest.mark.parametrize(
    ("options", "provenance"),
    [
        ({}, PROVENANCE),
        ({"sbom": True}, PROVENANCE | {"attest:sbom": ""}),
        ({"provenance": False}, {}),
        ({"provenance": "mode=max"}, {"attest:provenance": "mode=max"}),
        ({"attestations": {"provenance": False}}, {}),
        ({"frontend_attrs": {"attest:provenance": "a=b"}}, {"attest:provenance": "a=b"}),
        ({"frontend": "gateway.v0"}, {}),
    ],
)
def test_an_image_has_provenance_unless_the_options_say_otherwise(
    folder: Path, environ: dict[str, str], options: dict[str, Any], provenance: dict[str, str]
) -> None:
    del environ["BUILDX_NO_DEFAULT_ATTESTATIONS"]
    attrs = prepare(folder, environ, **options).request.attrs
    assert {name: attrs[name] for name in attrs if name.startswith("attest:")} == provenance


def test_a_variable_turns_the_provenance_off(folder: Path, environ: dict[str, str]) -> None:
    environ["BUILDX_NO_DEFAULT_ATTESTATIONS"] = "0"
    assert prepare(folder, environ).request.attrs["attest:provenance"]
    environ["BUILDX_NO_DEFAULT_ATTESTATIONS"] = "maybe"
    with pytest.raises(InvalidValueError, match="BUILDX_NO_DEFAULT_ATTESTATIONS 'maybe'"):
        prepare(folder, environ)


def test_the_source_date_epoch_and_the_proxies_are_build_args(
    folder: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "docker").mkdir()
    proxies = {"default": {"httpProxy": "http://p", "noProxy": "h"}}
    (tmp_path / "docker" / "config.json").write_text(json.dumps({"proxies": proxies}))
    environ["SOURCE_DATE_EPOCH"] = "1"
    assert prepare(folder, environ, build_args={"NO_PROXY": "mine"}).request.attrs == {
        "build-arg:SOURCE_DATE_EPOCH": "1",
        "build-arg:HTTP_PROXY": "http://p",
        "build-arg:NO_PROXY": "mine",
        "filename": "Dockerfile",
    }


def test_options_of_every_build_are_passed_on(folder: Path, environ: dict[str, str]) -> None:
    options = prepare(
        folder,
        environ,
        secrets={"a": "b"},
        ssh="default",
        cache_from="app",
        cache_to=["type=inline"],
        allow="security.insecure",
        network="host",
        timeout=3,
        ref="r",
        local_dirs={"more": "dir"},
        oci_layouts={"store": "dir"},
        exports=[local("a")],
        outputs="b",
    ).options
    assert options == {
        "secrets": {"a": "b"},
        "ssh": ("default",),
        "cache_from": ("app",),
        "cache_to": ("type=inline",),
        "allow": ("security.insecure", "network.host"),
        "timeout": 3,
        "ref": "r",
        "local_dirs": {"context": str(folder), "dockerfile": str(folder), "more": "dir"},
        "oci_layouts": {"store": "dir"},
        "uploads": (),
        "exports": [local("b"), local("a")],
    }


def test_a_later_choice_of_exporters_adds_no_image(folder: Path, environ: dict[str, str]) -> None:
    assert prepare(folder, environ, find_exports=lambda _: ()).options["exports"] == []


def test_tags_name_a_pushed_image(folder: Path, environ: dict[str, str]) -> None:
    exports = prepare(folder, environ, tags="localhost:5000/a", push=True).options["exports"]
    assert exports == [image("localhost:5000/a", push=True)]


def test_the_network_of_the_host_is_granted_once() -> None:
    assert allowed((), None) == ()
    assert allowed(["network.host"], "host") == ("network.host",)
    assert allowed([], "none") == ()


def test_a_dockerfile_must_exist_unless_it_is_read_elsewhere(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError) as caught:
        prepare(tmp_path, environ)
    assert caught.value.message == f"no such Dockerfile: {tmp_path}/Dockerfile"
    assert caught.value.hint == "name it with file"
    assert caught.value.command_hint == "name it with -f"
    (tmp_path / "App").touch()
    with pytest.raises(InputError) as caught:
        prepare(tmp_path, environ, file="App")
    assert caught.value.hint == f"it is relative to the working directory: {tmp_path}/App"
    monkeypatch.chdir(tmp_path)
    assert prepare(tmp_path, environ, file=Path("App")).request.attrs == {"filename": "App"}
    assert prepare(tmp_path, environ, frontend="gateway.v0").request.frontend == "gateway.v0"
    local_dirs = {"dockerfile": "ci"}
    assert prepare(tmp_path, environ, local_dirs=local_dirs).options["local_dirs"] == {
        "context": str(tmp_path),
        "dockerfile": "ci",
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"file": "a", "dockerfile_inline": ""},
         "dockerfile_inline conflicts with file: expected one of them"),
        ({"file": 1}, "invalid file 1: expected a path"),
        ({"file": ""}, "invalid file '': expected a string that is not empty"),
        ({"dockerfile_inline": 1}, "invalid dockerfile_inline 1: expected the text of a Dockerfile"),
        ({"target": 1}, "invalid target 1: expected a string that is not empty"),
        ({"target": ""}, "invalid target '': expected a string that is not empty"),
        ({"build_args": "a=b"}, "invalid build_args 'a=b': expected a mapping"),
        ({"labels": ["a"]}, "invalid labels ['a']: expected a mapping"),
        ({"contexts": "a"}, "invalid contexts 'a': expected a mapping"),
        ({"frontend_attrs": "a"}, "invalid frontend_attrs 'a': expected a mapping"),
        ({"frontend": 1}, "invalid frontend 1: expected a string that is not empty"),
        ({"tags": [""]}, "invalid tags '': expected a string that is not empty"),
        ({"platforms": 1}, "invalid platforms 1: expected a string that is not empty"),
        ({"push": "yes"}, "invalid push 'yes': expected True or False"),
        ({"load": 1}, "invalid load 1: expected True or False"),
        ({"pull": "a"}, "invalid pull 'a': expected True or False"),
        ({"no_cache": 1}, "invalid no_cache 1: expected a string that is not empty"),
        ({"network": "x"}, "invalid network 'x': expected default, none, host"),
        ({"extra_hosts": "a"}, "invalid extra_hosts 'a': expected NAME:IP"),
        ({"shm_size": -1}, "invalid shm_size -1: expected a size such as 64m"),
        ({"ulimits": 1}, "invalid ulimits 1: expected NAME=SOFT[:HARD]"),
        ({"cgroup_parent": 1}, "invalid cgroup_parent 1: expected a string that is not empty"),
        ({"attestations": "sbom"}, "invalid attestations 'sbom': expected a mapping"),
        ({"attestations": {"sbom": 1}},
         "invalid attestations['sbom'] 1: expected True, False or a string"),
        ({"provenance": 1}, "invalid provenance 1: expected True, False or a string"),
        ({"sbom": ["a"]}, "invalid sbom ['a']: expected True, False or a string"),
        ({"outputs": b"a"}, "invalid outputs b'a': expected one value or several"),
        ({"ssh": {"a": "b"}}, "invalid ssh {'a': 'b'}: expected one value or several"),
        ({"push": True}, "a push needs a name for the image"),
    ],
)  # fmt: skip
def test_an_invalid_value_is_refused(
    folder: Path, environ: dict[str, str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        prepare(folder, environ, **options)
    assert caught.value.message == message


def test_an_unknown_option_is_a_type_error(folder: Path, environ: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'tag'; did you mean"):
        prepare(folder, environ, tag="a")


def test_a_dockerfile_may_be_text(folder: Path, environ: dict[str, str]) -> None:
    for text in ("FROM a", b"FROM a"):
        request = to_frontend_request(folder, {"dockerfile_inline": text}, environ)
        assert list(request.inputs) == ["dockerfile"]
        assert request.uploads == ()


def test_an_attribute_of_a_newer_frontend_is_sent_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").touch()
    with pytest.warns(UnknownKeyWarning, match="'traget' .* nearest known one is target"):
        request = to_frontend_request(tmp_path, {"frontend_attrs": {"traget": "x"}}, {})
    assert request.attrs["traget"] == "x"
