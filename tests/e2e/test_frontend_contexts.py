"""Contexts and platforms of builds by the frontend image, beside what the stock frontend makes."""

from __future__ import annotations

import json
import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from llb import Scratch
from llb.client import Client, Event, VertexWarning, oci
from llb.gateway import Gateway, Request, Result
from tests.e2e.test_frontend import failure
from tests.e2e.test_frontend_copies import Repository, repository, web

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["repository", "web"]

DOCKERFILE = """\
FROM alpine AS base
ONBUILD RUN echo triggered > /trigger
FROM base AS built
RUN --mount=from=tools,source=/bin,target=/tools ls /tools > /list
COPY --from=files some.txt sub/ /from-files/
COPY --from=busybox /bin/busybox /copied
WORKDIR /made
FROM built
COPY . /context
ENV X=y
"""
SIMPLE = 'FROM scratch\nCOPY . /all/\nLABEL of="context"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build context, with another directory beside it."""
    folder = tmp_path / "context"
    for each in (folder, tmp_path / "other"):
        (each / "sub").mkdir(parents=True)
        for name in ("some.txt", "some.log", "sub/inner.txt"):
            (each / name).write_text(f"{name} of {each.name}\n")
        (each / ".dockerignore").write_text("*.log\n")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


Answers = dict[str, list[dict[str, Any]]]


def answers(address: str, ours: str, folder: Path, questions: dict[str, dict[str, str]]) -> Answers:
    """Return what both frontends convert a Dockerfile to, for each set of options.

    One session asks all, because places in the answers name what files it came from.
    """
    made = Scratch().mkfile("/some.txt", "made\n").mkdir("/sub").marshal()
    found: Answers = {}

    def ask(gateway: Gateway, frontend: str, options: dict[str, str]) -> dict[str, Any]:
        options = {**options, "requestid": "frontend.convertllb"}
        options["frontend.caps"] = "moby.buildkit.frontend.subrequests"
        answer = gateway.solve_frontend(frontend, options, inputs={"made": made})
        converted: dict[str, Any] = json.loads(answer.metadata["result.json"])
        return converted

    def build(request: Request, gateway: Gateway) -> Result:
        del request
        for name, options in questions.items():
            found[name] = [
                ask(gateway, "gateway.v0", {**options, "source": ours}),
                ask(gateway, "dockerfile.v0", options),
            ]
        return Result()

    with Client(address) as client:
        client.build(
            build,
            local_dirs={"context": folder, "dockerfile": folder, "other": folder.parent / "other"},
        )
    return found


@pytest.mark.feature("C10", "C11", "F12")
def test_named_contexts_convert_as_the_stock_frontend_has_them(
    frontend: str,
    buildkit_host: str,
    folder: Path,
    web: tuple[str, Path],
    repository: Repository,
) -> None:
    url, _ = web
    image, other = "docker-image://busybox", {"context:files": "local:other"}
    tools = {"context:tools": "docker-image://alpine:latest"}
    config = json.dumps({"containerimage.config": "eyJjb25maWciOnsiRW52IjpbIkE9YiJdfX0="})
    questions: dict[str, dict[str, str]] = {
        "a directory and an image": {**other, **tools},
        "a stage": {**other, **tools, "context:base": image},
        "a stage of nothing": {**other, **tools, "context:built": "docker-image://scratch"},
        "an image that another replaces": {**other, **tools, "context:alpine": image},
        "one of the platform": {
            **other,
            **tools,
            "context:alpine::linux/amd64": image,
            "context:alpine": "docker-image://none",
        },
        "a repository": {**tools, "context:files": f"{repository.url}/repo.git#main:sub"},
        "a file of the web": {**tools, "context:files": f"{url}/file.txt"},
        "a tree of the client": {**tools, "context:files": "input:made"},
        "an image of the client": {
            **other,
            **tools,
            "context:base": "input:made",
            "input-metadata:made": config,
        },
        "directories alone": dict.fromkeys(
            ("context:files", "context:tools", "context:base"), "local:other"
        ),
        "a directory as the target": {**other, "target": "base", "context:base": "local:other"},
    }
    found = answers(buildkit_host, frontend, folder, questions)
    assert list(found) == list(questions)
    for name, (ours, theirs) in found.items():
        assert ours == theirs, name
    assert len({json.dumps(theirs) for _, theirs in found.values()}) == len(questions)


@pytest.mark.feature("C10", "G1", "G7")
def test_remote_contexts_convert_as_the_stock_frontend_has_them(
    frontend: str,
    buildkit_host: str,
    folder: Path,
    web: tuple[str, Path],
    repository: Repository,
) -> None:
    url, files = web
    (folder / "Dockerfile").write_text(SIMPLE)
    (files / "Dockerfile").write_text(SIMPLE)
    with tarfile.open(files / "tree.tar.gz", "w:gz") as archive:
        archive.add(folder, ".")
    beside = {"dockerfilekey": "dockerfile"}
    questions: dict[str, dict[str, str]] = {
        "an archive": {"context": f"{url}/tree.tar.gz"},
        "a part of an archive": {"context": f"{url}/tree.tar.gz", "contextsubdir": "sub", **beside},
        "a Dockerfile": {"context": f"{url}/Dockerfile"},
        "a repository": {"context": f"{repository.url}/repo.git", **beside},
        "a commit": {
            "context": f"{repository.url}/repo.git?commit={repository.commit}&keep-git-dir=1",
            **beside,
        },
        "a repository with its .git": {
            "context": f"{repository.url}/repo.git",
            "build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR": "1",
            **beside,
        },
        "a time": {
            "context": f"{repository.url}/repo.git",
            "build-arg:SOURCE_DATE_EPOCH": "context",
            **beside,
        },
        "another key": {"contextkey": "where", "where": f"{url}/tree.tar.gz"},
    }
    found = answers(buildkit_host, frontend, folder, questions)
    assert list(found) == list(questions)
    for name, (ours, theirs) in found.items():
        assert ours == theirs, name


DATED = """\
FROM scratch AS file
ADD WEB/file.txt /
FROM scratch AS tree
ADD --checksum=COMMIT GIT/repo.git#main /
FROM scratch
ARG SOURCE_DATE_EPOCH
WORKDIR /made
"""


@pytest.mark.feature("G1")
def test_the_times_of_sources_are_those_of_the_stock_frontend(
    frontend: str,
    buildkit_host: str,
    folder: Path,
    web: tuple[str, Path],
    repository: Repository,
) -> None:
    url, files = web
    os.utime(files / "file.txt", (10**9, 10**9))
    text = DATED.replace("WEB", url).replace("GIT", repository.url)
    (folder / "Dockerfile").write_text(text.replace("COMMIT", repository.commit))
    named = {"context:named": f"{repository.url}/repo.git"}
    names = ("file", "tree", "named", "context")
    questions = {name: {"build-arg:SOURCE_DATE_EPOCH": name, **named} for name in names}
    found = answers(buildkit_host, frontend, folder, questions)
    for name, (ours, theirs) in found.items():
        assert ours == theirs, name
    # The two of the repository are one, and a directory has no time.
    assert len({json.dumps(theirs) for _, theirs in found.values()}) == 3


PLATFORMS = """\
FROM --platform=$BUILDPLATFORM busybox AS made
ARG TARGETPLATFORM
RUN echo $TARGETPLATFORM > /name
FROM scratch
COPY --from=made /name /name
COPY . /context
"""


def index(address: str, folder: Path, frontend: str, **options: str) -> str:
    """Build for two platforms; return the digest of the index."""
    archive = oci(folder.parent / "image.tar")
    with Client(address) as client:
        client.solve(
            frontend=frontend,
            frontend_attrs={
                "platform": "linux/amd64,linux/arm64/v8",
                "build-arg:SOURCE_DATE_EPOCH": "0",
                **options,
            },
            local_dirs={"context": folder, "dockerfile": folder},
            exports=[evolve(archive, attrs={"rewrite-timestamp": "true"})],
        )
    with tarfile.open(folder.parent / "image.tar") as tar:
        member = tar.extractfile("index.json")
        assert member is not None
        (manifest,) = json.load(member)["manifests"]
    return str(manifest["digest"])


@pytest.mark.feature("C3", "C7", "C12")
def test_an_index_of_two_platforms_is_the_one_of_the_stock_frontend(
    frontend: str, buildkit_host: str, folder: Path
) -> None:
    (folder / "Dockerfile").write_text(PLATFORMS)
    ours = index(buildkit_host, folder, "gateway.v0", source=frontend)
    theirs = index(buildkit_host, folder, "dockerfile.v0")
    assert ours == theirs


@pytest.mark.feature("C12")
def test_one_platform_is_an_index_where_that_is_asked_for(
    frontend: str, buildkit_host: str, folder: Path
) -> None:
    (folder / "Dockerfile").write_text(SIMPLE)
    options = {"platform": "linux/arm64", "multi-platform": "true"}
    ours = index(buildkit_host, folder, "gateway.v0", **{"source": frontend, **options})
    theirs = index(buildkit_host, folder, "dockerfile.v0", **options)
    assert ours == theirs


def told(address: str, folder: Path, frontend: str, **options: str) -> list[str]:
    """Build for two platforms; return the warnings."""
    events: list[Event] = []
    with Client(address) as client:
        client.solve(
            frontend=frontend,
            frontend_attrs={"platform": "linux/amd64,linux/arm64", **options},
            local_dirs={"context": folder, "dockerfile": folder},
            on_event=events.append,
        )
    return [each.short for each in events if isinstance(each, VertexWarning)]


@pytest.mark.feature("C12")
def test_what_is_wrong_for_all_platforms_is_told_once(
    frontend: str, buildkit_host: str, folder: Path
) -> None:
    (folder / "Dockerfile").write_text("FROM scratch AS One\nCOPY . /\n")
    ours = told(buildkit_host, folder, "gateway.v0", source=frontend)
    assert ours == told(buildkit_host, folder, "dockerfile.v0")
    assert ours == ["StageNameCasing: Stage name 'One' should be lowercase (line 1)"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            {"platform": "linux/amd64,linux/arm64", "multi-platform": "0"},
            "conflicting config: returning multiple target platforms is not allowed",
        ),
        ({"multi-platform": "maybe"}, "invalid boolean value for multi-platform: maybe"),
        ({"platform": "linux/amd64,,"}, "failed to parse target platform "),
        ({"image-resolve-mode": "never"}, "invalid image-resolve-mode: never"),
        ({"cache-imports": "[1"}, 'failed to unmarshal cache-imports ("[1")'),
        ({"attest:bom": ""}, 'unknown attestation type "bom"'),
        ({"context:files": "nothing"}, "invalid context specifier nothing for files"),
        ({"context:files": "ftp:x"}, "unsupported context source ftp for files"),
        ({"context:files": "input:none"}, "invalid input none for files"),
        (
            {"context:files": "oci-layout://store:tag"},
            'oci-layout reference "store:tag" has no digest',
        ),
        ({"context": "https://example.com/a.git?b=c"}, 'unexpected query "b"'),
        ({"frontend.caps": "moby.buildkit.frontend.dreams"}, "unsupported frontend capability"),
    ],
)
def test_options_that_cannot_be_are_refused(
    options: dict[str, str], reason: str, frontend: str, buildkit_host: str, folder: Path
) -> None:
    given = {"context:tools": "docker-image://scratch", **options}
    assert reason in failure(buildkit_host, folder, frontend, **given).message
