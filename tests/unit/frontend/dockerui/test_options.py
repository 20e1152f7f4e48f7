"""The options of a build, as clients send them to a Dockerfile frontend."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llb import Platform
from llb.errors import InvalidValueError
from llb.frontend.dockerui.options import Options, Sbom
from llb.gateway import Request

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


def options(attrs: dict[str, str]) -> Options:
    return Options.from_request(Request(attrs, "session", (AMD64, ARM64)))


def error_of(attrs: dict[str, str]) -> str:
    with pytest.raises(InvalidValueError) as caught:
        options(attrs)
    hint = f" (hint: {caught.value.hint})" if caught.value.hint else ""
    return caught.value.message + hint


@pytest.mark.parametrize(
    ("attrs", "field", "value"),
    [
        ({}, "filename", "Dockerfile"),
        ({"filename": "a"}, "filename", "a"),
        ({"context": "https://a"}, "context", "https://a"),
        ({"contextkey": "other", "other": "git://a", "context": "b"}, "context", "git://a"),
        ({"contextsubdir": "sub"}, "context_folder", "sub"),
        ({"dockerfilekey": "d"}, "dockerfile_name", "d"),
        ({"context:a": "b"}, "contexts", {"a": "b"}),
        ({"local-sessionid:context": "s"}, "sessions", {"context": "s"}),
        ({"sharedkey:localdir:a": "k"}, "shared_keys", {"a": "k"}),
        ({"target": ""}, "target", None),
        ({"build-arg:A": "1"}, "build_args", {"A": "1"}),
        ({"label:a": "1"}, "labels", {"a": "1"}),
        ({}, "no_cache", False),
        ({"no-cache": ""}, "no_cache", True),
        ({"no-cache": "One,two"}, "no_cache", frozenset({"one", "two"})),
        ({}, "platforms", ()),
        ({"platform": "linux/amd64,linux/arm64"}, "platforms", (AMD64, ARM64)),
        ({}, "build_platform", AMD64),
        ({}, "resolve_mode", "default"),
        ({"image-resolve-mode": "pull"}, "resolve_mode", "pull"),
        ({"build-arg:BUILDKIT_SYNTAX": "a"}, "syntax", "a"),
        ({"cmdline": ""}, "forwarded", True),
        ({"requestid": "r"}, "request_id", "r"),
        ({"build-arg:BUILDKIT_DISABLE_FILEOP": "maybe"}, "target", None),
    ],
)
def test_options_are_parsed(attrs: dict[str, str], field: str, value: object) -> None:
    assert getattr(options(attrs), field) == value


@pytest.mark.parametrize(
    ("attrs", "is_index"),
    [
        ({}, False),
        ({"platform": "linux/amd64"}, False),
        ({"platform": "linux/amd64,linux/arm64"}, True),
        ({"multi-platform": "true"}, True),
        ({"build-arg:BUILDKIT_MULTI_PLATFORM": "1"}, True),
        ({"build-arg:BUILDKIT_MULTI_PLATFORM": "0", "multi-platform": "1"}, False),
    ],
)
def test_several_platforms_or_an_option_make_an_index(
    attrs: dict[str, str], *, is_index: bool
) -> None:
    assert options(attrs).is_index is is_index


def cache(value: Any) -> dict[str, str]:
    return {"cache-imports": json.dumps(value)}


@pytest.mark.parametrize(
    ("attrs", "imports"),
    [
        ({}, ()),
        ({"cache-from": "a,b"}, (("registry", {"ref": "a"}), ("registry", {"ref": "b"}))),
        (cache([{"Type": "gha"}, {"Type": "s3", "Attrs": {"n": 1}}]), (("gha", {}), ("s3", {"n": "1"}))),
        (cache({"Type": "gha"}), (("gha", {}),)),
        ({**cache([{"Type": "gha"}]), "cache-from": "a"}, (("gha", {}), ("registry", {"ref": "a"}))),
    ],
)  # fmt: skip
def test_cache_imports_are_parsed(
    attrs: dict[str, str], imports: tuple[tuple[str, dict[str, str]], ...]
) -> None:
    assert options(attrs).cache_imports == imports


@pytest.mark.parametrize(
    ("attrs", "sbom"),
    [
        ({}, None),
        ({"attest:provenance": "mode=max"}, None),
        ({"attest:sbom": ""}, Sbom("docker.io/docker/buildkit-syft-scanner:stable-1")),
        (
            {"build-arg:BUILDKIT_ATTEST_SBOM": "generator=a/b:1,Z=2,A=1"},
            Sbom("docker.io/a/b:1", (("A", "1"), ("Z", "2"))),
        ),
        ({"build-arg:BUILDKIT_ATTEST_SBOM": "generator=a", "attest:sbom": "generator=b"},
         Sbom("docker.io/library/b:latest")),
    ],
)  # fmt: skip
def test_an_sbom_names_its_generator(attrs: dict[str, str], sbom: Sbom | None) -> None:
    assert options(attrs).sbom == sbom


@pytest.mark.parametrize(
    ("attrs", "message"),
    [
        (
            {"override-copy-image": "a"},
            'support for "override-copy-image" was removed in BuildKit 0.11',
        ),
        (
            {"build-arg:BUILDKIT_DISABLE_FILEOP": "1"},
            'support for "BUILDKIT_DISABLE_FILEOP" build-arg was removed in BuildKit 0.11',
        ),
        (
            {"multi-platform": "maybe"},
            "invalid boolean value for multi-platform: maybe",
        ),
        (
            {"multi-platform": "false", "platform": "linux/amd64,linux/arm64"},
            (
                "conflicting config: returning multiple target platforms is not allowed "
                "(hint: leave multi-platform=false out, or build for one platform)"
            ),
        ),
        (
            {"image-resolve-mode": "pul"},
            "invalid image-resolve-mode: pul (hint: did you mean pull?)",
        ),
        (
            cache([1]),
            (
                'failed to unmarshal cache-imports ("[1]") '
                '(hint: [{"Type": "registry", "Attrs": {"ref": "…"}}])'
            ),
        ),
        ({"attest:sbmo": ""}, 'unknown attestation type "sbmo" (hint: did you mean sbom?)'),
        ({"attest:sbom": 'a"b'}, "failed to parse sbom: "),
        ({"attest:sbom": "generator=A"}, "failed to parse sbom scanner A: "),
        ({"platform": "a/b/c/d"}, "failed to parse target platform a/b/c/d: "),
        ({"cache-imports": "{"}, 'failed to unmarshal cache-imports ("{"): '),
    ],
)
def test_an_invalid_option_is_refused(attrs: dict[str, str], message: str) -> None:
    error = error_of(attrs)
    assert error.startswith(message) if message.endswith(": ") else error == message
