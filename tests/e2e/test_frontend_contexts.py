"""Contexts and platforms of the frontend image, compared with the stock frontend."""

from __future__ import annotations

import json
import os
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from llb import Scratch
from llb.client import Client, Event, VertexWarning, local, oci
from llb.errors import SolveError
from llb.gateway import Gateway, Request, Result
from tests.e2e.test_frontend import expect_failure
from tests.e2e.test_frontend_copies import LOOPBACK, Repository, repository, web

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
    """A build context, with another directory next to it."""
    folder = tmp_path / "context"
    for directory in (folder, tmp_path / "other"):
        (directory / "sub").mkdir(parents=True)
        for name in ("some.txt", "some.log", "sub/inner.txt"):
            (directory / name).write_text(f"{name} of {directory.name}\n")
        (directory / ".dockerignore").write_text("*.log\n")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


Conversions = dict[str, list[dict[str, Any]]]


def convert_with_both(
    address: str, ours: str, folder: Path, options_by_name: dict[str, dict[str, str]]
) -> Conversions:
    """Convert a Dockerfile with both frontends, for each set of options.

    All requests share one session, because locations in the results contain session data.
    """
    input_tree = Scratch().mkfile("/some.txt", "made\n").mkdir("/sub").marshal()
    conversions: Conversions = {}

    def convert(gateway: Gateway, frontend: str, options: dict[str, str]) -> dict[str, Any]:
        options = {**options, "requestid": "frontend.convertllb"}
        options["frontend.caps"] = "moby.buildkit.frontend.subrequests"
        result = gateway.solve_frontend(frontend, options, inputs={"made": input_tree})
        document: dict[str, Any] = json.loads(result.metadata["result.json"])
        return document

    def build(request: Request, gateway: Gateway) -> Result:
        del request
        for name, options in options_by_name.items():
            conversions[name] = [
                convert(gateway, "gateway.v0", {**options, "source": ours}),
                convert(gateway, "dockerfile.v0", options),
            ]
        return Result()

    with Client(address) as client:
        client.build(
            build,
            local_dirs={"context": folder, "dockerfile": folder, "other": folder.parent / "other"},
        )
    return conversions


@pytest.mark.feature("C10", "C11", "F12")
@pytest.mark.since("v0.26.0", "a stock frontend that returns definitions")
def test_named_contexts_convert_like_the_stock_frontend(
    frontend: str,
    buildkit_host: str,
    folder: Path,
    web: tuple[str, Path],
    repository: Repository,
) -> None:
    url, _ = web
    image, directory = "docker-image://busybox", {"context:files": "local:other"}
    tools = {"context:tools": "docker-image://alpine:latest"}
    config = json.dumps({"containerimage.config": "eyJjb25maWciOnsiRW52IjpbIkE9YiJdfX0="})
    options_by_name: dict[str, dict[str, str]] = {
        "a directory and an image": {**directory, **tools},
        "a stage": {**directory, **tools, "context:base": image},
        "a stage of nothing": {**directory, **tools, "context:built": "docker-image://scratch"},
        "an image that another replaces": {**directory, **tools, "context:alpine": image},
        "one of the platform": {
            **directory,
            **tools,
            "context:alpine::linux/amd64": image,
            "context:alpine": "docker-image://none",
        },
        "a repository": {**tools, "context:files": f"{repository.url}/repo.git#main:sub"},
        "a file of the web": {**tools, "context:files": f"{url}/file.txt"},
        "a tree of the client": {**tools, "context:files": "input:made"},
        "an image of the client": {
            **directory,
            **tools,
            "context:base": "input:made",
            "input-metadata:made": config,
        },
        "directories alone": dict.fromkeys(
            ("context:files", "context:tools", "context:base"), "local:other"
        ),
        "a directory as the target": {**directory, "target": "base", "context:base": "local:other"},
    }
    conversions = convert_with_both(buildkit_host, frontend, folder, options_by_name)
    assert list(conversions) == list(options_by_name)
    for name, (ours, theirs) in conversions.items():
        assert ours == theirs, name
    assert len({json.dumps(theirs) for _, theirs in conversions.values()}) == len(options_by_name)


@pytest.mark.feature("C10", "G1", "G7")
@pytest.mark.since("v0.33.0", "contexts that are compressed with zstd")
def test_remote_contexts_convert_like_the_stock_frontend(
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
    with tarfile.open(files / "tree.tar", "w") as archive:
        archive.add(folder, ".")
    (files / "tree.tar.zst").write_bytes(zstd_frame((files / "tree.tar").read_bytes()))
    common = {"dockerfilekey": "dockerfile"}
    options_by_name: dict[str, dict[str, str]] = {
        "an archive": {"context": f"{url}/tree.tar.gz"},
        "an archive compressed with zstd": {"context": f"{url}/tree.tar.zst"},
        "a part of an archive": {"context": f"{url}/tree.tar.gz", "contextsubdir": "sub", **common},
        "a Dockerfile": {"context": f"{url}/Dockerfile"},
        "a repository": {"context": f"{repository.url}/repo.git", **common},
        "a commit": {
            "context": f"{repository.url}/repo.git?commit={repository.commit}&keep-git-dir=1",
            **common,
        },
        "a repository with its .git": {
            "context": f"{repository.url}/repo.git",
            "build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR": "1",
            **common,
        },
        "a repository with the advice of git": {
            "context": f"{repository.url}/repo.git",
            "build-arg:BUILDKIT_GIT_ADVICE": "1",
            **common,
        },
        "a time": {
            "context": f"{repository.url}/repo.git",
            "build-arg:SOURCE_DATE_EPOCH": "context",
            **common,
        },
        "another key": {"contextkey": "where", "where": f"{url}/tree.tar.gz"},
    }
    conversions = convert_with_both(buildkit_host, frontend, folder, options_by_name)
    assert list(conversions) == list(options_by_name)
    for name, (ours, theirs) in conversions.items():
        assert ours == theirs, name


def zstd_frame(data: bytes) -> bytes:
    """Store data in a frame of zstd, without compressing it (RFC 8878)."""
    largest = 1 << 17
    blocks = [data[start : start + largest] for start in range(0, len(data), largest)]
    frame = b"\x28\xb5\x2f\xfd\xa0" + len(data).to_bytes(4, "little")
    for number, block in enumerate(blocks, 1):
        header = len(block) << 3 | (number == len(blocks))
        frame += header.to_bytes(3, "little") + block
    return frame


@pytest.mark.feature("C10")
def test_an_archive_compressed_with_zstd_is_a_context(
    frontend: str, buildkit_host: str, folder: Path, web: tuple[str, Path], tmp_path: Path
) -> None:
    url, files = web
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY some.txt /\nADD packed.tar.zst /in/\n")
    with tarfile.open(files / "packed.tar", "w") as archive:
        archive.add(folder / "some.txt", "packed.txt")
    (folder / "packed.tar.zst").write_bytes(zstd_frame((files / "packed.tar").read_bytes()))
    with tarfile.open(files / "tree.tar", "w") as archive:
        archive.add(folder, ".")
    (files / "tree.tar.zst").write_bytes(zstd_frame((files / "tree.tar").read_bytes()))
    with Client(buildkit_host) as client:
        client.solve(
            frontend="gateway.v0",
            frontend_attrs={"source": frontend, "context": f"{url}/tree.tar.zst"},
            exports=[local(tmp_path / "out")],
        )
    assert (tmp_path / "out" / "some.txt").read_text() == "some.txt of context\n"
    assert (tmp_path / "out" / "in" / "packed.txt").read_text() == "some.txt of context\n"


@pytest.mark.feature("A1", "E10")
@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore", "Dockerfile.dockerignore"])
@pytest.mark.since("v0.34.0", "limits for the files that a frontend reads")
def test_a_file_that_is_too_large_is_refused_in_the_words_of_the_stock_frontend(
    name: str, frontend: str, buildkit_host: str, folder: Path
) -> None:
    (folder / "Dockerfile").write_text(SIMPLE)
    with (folder / name).open("a") as file:
        file.write("# x\n" * (4 * 1024 * 1024 + 1))
    messages = []
    for options in ({"source": frontend}, {}):
        with Client(buildkit_host) as client, pytest.raises(SolveError) as caught:
            client.solve(
                frontend="gateway.v0" if options else "dockerfile.v0",
                frontend_attrs=options,
                local_dirs={"context": folder, "dockerfile": folder},
            )
        messages.append(caught.value.message)
    assert f"{name} exceeds maximum allowed size of 16777216 bytes" in messages[0]
    assert messages[0] == messages[1]


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
@pytest.mark.since("v0.29.0", "SOURCE_DATE_EPOCH from a source")
def test_timestamps_of_sources_equal_those_of_the_stock_frontend(
    frontend: str,
    buildkit_host: str,
    folder: Path,
    web: tuple[str, Path],
    repository: Repository,
) -> None:
    url, files = web
    os.utime(files / "file.txt", (10**9, 10**9))
    dockerfile = DATED.replace("WEB", url).replace("GIT", repository.url)
    (folder / "Dockerfile").write_text(dockerfile.replace("COMMIT", repository.commit))
    named = {"context:named": f"{repository.url}/repo.git"}
    names = ("file", "tree", "named", "context")
    options_by_name = {name: {"build-arg:SOURCE_DATE_EPOCH": name, **named} for name in names}
    conversions = convert_with_both(buildkit_host, frontend, folder, options_by_name)
    for name, (ours, theirs) in conversions.items():
        assert ours == theirs, name
    # The two repository sources have the same time, and a directory has none.
    assert len({json.dumps(theirs) for _, theirs in conversions.values()}) == 3


class Undated(SimpleHTTPRequestHandler):
    """Serves files without the time of their last change."""

    def send_header(self, keyword: str, value: str) -> None:
        if keyword != "Last-Modified":
            super().send_header(keyword, value)


@pytest.mark.feature("G1")
@pytest.mark.since("v0.33.0", "contexts that are compressed with zstd")
def test_the_time_of_an_archive_equals_that_of_the_stock_frontend(
    frontend: str, buildkit_host: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\nARG SOURCE_DATE_EPOCH\nWORKDIR /made\n")
    paths = sorted(folder.rglob("*"))
    for number, path in enumerate(paths):
        os.utime(path, (10**9, 10**9 + number))
    newest = 10**9 + max(number for number, path in enumerate(paths) if path.is_file())
    files = tmp_path / "files"
    files.mkdir()
    for name in ("tree", "treegz"):
        mode: Any = f"w:{name.removeprefix('tree')}"
        with tarfile.open(files / name, mode, format=tarfile.GNU_FORMAT) as archive:
            archive.add(folder, ".")
    (files / "treezst").write_bytes(zstd_frame((files / "tree").read_bytes()))
    with ThreadingHTTPServer((LOOPBACK, 0), partial(Undated, directory=str(files))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        epoch = {"build-arg:SOURCE_DATE_EPOCH": "context"}
        options_by_name = {
            name: {"context": f"http://{LOOPBACK}:{server.server_port}/{name}", **epoch}
            for name in ("tree", "treegz", "treezst")
        }
        conversions = convert_with_both(buildkit_host, frontend, folder, options_by_name)
        server.shutdown()
    assert len(conversions) == 3
    for name, (ours, theirs) in conversions.items():
        assert ours == theirs, name
        assert str(newest * 10**9) in json.dumps(ours)


PLATFORMS = """\
FROM --platform=$BUILDPLATFORM busybox AS made
ARG TARGETPLATFORM
RUN echo $TARGETPLATFORM > /name
FROM scratch
COPY --from=made /name /name
COPY . /context
"""


def build_index(address: str, folder: Path, frontend: str, **options: str) -> str:
    """Build for two platforms; return the digest of the image index."""
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
def test_an_index_of_two_platforms_equals_that_of_the_stock_frontend(
    frontend: str, buildkit_host: str, folder: Path
) -> None:
    (folder / "Dockerfile").write_text(PLATFORMS)
    ours = build_index(buildkit_host, folder, "gateway.v0", source=frontend)
    theirs = build_index(buildkit_host, folder, "dockerfile.v0")
    assert ours == theirs


@pytest.mark.feature("C12")
def test_multi_platform_gives_an_index_for_one_platform(
    frontend: str, buildkit_host: str, folder: Path
) -> None:
    (folder / "Dockerfile").write_text(SIMPLE)
    options = {"platform": "linux/arm64", "multi-platform": "true"}
    ours = build_index(buildkit_host, folder, "gateway.v0", **{"source": frontend, **options})
    theirs = build_index(buildkit_host, folder, "dockerfile.v0", **options)
    assert ours == theirs


def build_warnings(address: str, folder: Path, frontend: str, **options: str) -> list[str]:
    """Build for two platforms; return the warnings."""
    events: list[Event] = []
    with Client(address) as client:
        client.solve(
            frontend=frontend,
            frontend_attrs={"platform": "linux/amd64,linux/arm64", **options},
            local_dirs={"context": folder, "dockerfile": folder},
            on_event=events.append,
        )
    return [event.short for event in events if isinstance(event, VertexWarning)]


@pytest.mark.feature("C12")
def test_a_warning_for_all_platforms_is_reported_once(
    frontend: str, buildkit_host: str, folder: Path
) -> None:
    (folder / "Dockerfile").write_text("FROM scratch AS One\nCOPY . /\n")
    ours = build_warnings(buildkit_host, folder, "gateway.v0", source=frontend)
    assert ours == build_warnings(buildkit_host, folder, "dockerfile.v0")
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
def test_invalid_options_are_refused(
    options: dict[str, str], reason: str, frontend: str, buildkit_host: str, folder: Path
) -> None:
    all_options = {"context:tools": "docker-image://scratch", **options}
    assert reason in expect_failure(buildkit_host, folder, frontend, **all_options).message
