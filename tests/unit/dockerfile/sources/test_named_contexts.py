"""Named contexts replace images and stages, in each of their forms."""

from __future__ import annotations

from typing import Any

import pytest

from llb.dockerfile import DockerfileError, ImageTable, ResolvedImage, convert
from llb.testing.graphs import steps

DIGEST = f"sha256:{'a' * 64}"
IMAGES = ImageTable({"*": ResolvedImage(DIGEST, b'{"config": {"Env": ["A=1"]}}')})


def sources(value: str, text: str = "FROM lib\nRUN x\n", **options: Any) -> dict[str, str]:
    """Convert a file with a named context `lib`; map its sources to the names of their steps."""
    conversion = convert(
        text, resolver=IMAGES, contexts={"lib": value}, platform="linux/amd64", **options
    )
    return {
        step.vertex.op["identifier"]: step.name or ""
        for step in steps(conversion.definition)
        if step.kind == "source"
    }


def error_of(value: str, text: str = "FROM lib\nRUN x\n") -> str:
    with pytest.raises(DockerfileError) as caught:
        sources(value, text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            "docker-image://debian:12",
            {"docker-image://docker.io/library/debian:12": "[context lib] debian:12"},
        ),
        ("docker-image://scratch", {}),
        (
            f"oci-layout://store:tag@{DIGEST}",
            {f"oci-layout://docker.io/library/lib@{DIGEST}": "[context lib] OCI load from client"},
        ),
        (
            "https://github.com/a/b.git#v1:sub",
            {
                "git://github.com/a/b.git#v1:sub": (
                    "[internal] load git source https://github.com/a/b.git#v1:sub"
                )
            },
        ),
        (
            "git@github.com:a/b.git",
            {"git://github.com/a/b.git": "[internal] load git source git@github.com:a/b.git"},
        ),
        (
            "https://example.com/a.tar",
            {"https://example.com/a.tar": "[context lib] https://example.com/a.tar"},
        ),
        ("local:folder", {"local://folder": "[context lib] load from client"}),
    ],
)
def test_a_context_replaces_an_image(value: str, expected: dict[str, str]) -> None:
    assert sources(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nothing", "invalid context specifier nothing for lib"),
        ("ftp://a", "unsupported context source ftp for lib"),
        ("docker-image://A", "invalid reference 'A': the repository name must be lower case"),
        ("oci-layout://@sha256:1", 'oci-layout reference "@sha256:1" has no name'),
        ("oci-layout://store:tag", 'oci-layout reference "store:tag" has no digest'),
        (
            "oci-layout://store@sha256:1",
            'could not parse oci-layout reference "store@sha256:1": ',
        ),
        ("git://h/r?nonesuch=1", 'unexpected query "nonesuch"'),
        ("https://github.com/a/b.git?nonesuch=1", 'unexpected query "nonesuch"'),
        ("input:lib", "invalid input lib for lib"),
    ],
)
def test_an_invalid_context_is_refused_at_the_line_that_uses_it(value: str, message: str) -> None:
    assert error_of(value).startswith(f"Dockerfile:1: {message}")


def test_a_context_for_a_platform_takes_precedence_over_one_for_all() -> None:
    contexts = {
        "lib": "docker-image://all",
        "lib::linux/arm64": "docker-image://arm",
    }
    for platform, name in (("linux/arm64", "arm"), ("linux/s390x", "all")):
        conversion = convert(
            "FROM lib\nRUN x\n", resolver=IMAGES, contexts=contexts, platform=platform
        )
        (source,) = (step for step in steps(conversion.definition) if step.kind == "source")
        assert source.vertex.op["identifier"] == f"docker-image://docker.io/library/{name}:latest"


def test_a_context_replaces_a_stage_and_its_steps_do_not_run() -> None:
    text = "FROM alpine AS lib\nRUN not run\nFROM scratch\nCOPY --from=lib / /\n"
    assert list(sources("local:folder", text)) == ["local://folder"]


@pytest.mark.parametrize("name", ["scratch", "context", "SCRATCH"])
def test_reserved_names_are_never_replaced_by_contexts(name: str) -> None:
    conversion = convert(
        "FROM scratch\nCOPY . /\n",
        resolver=IMAGES,
        contexts={name: "local:folder"},
        platform="linux/amd64",
    )
    assert [step.name for step in steps(conversion.definition) if step.kind == "source"] == [
        "[internal] load build context"
    ]
