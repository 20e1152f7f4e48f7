"""Metadata and SBOMs of the frontend image, compared with the stock frontend."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from llb.client import Client, image, oci

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llb.gateway import Gateway, Request, Result

DOCKERFILE = """\
FROM alpine AS tools
ARG BUILDKIT_SBOM_SCAN_STAGE=true
RUN echo tool > /tool
FROM BASE
ARG BUILDKIT_SBOM_SCAN_CONTEXT=true
COPY --from=tools /tool /tool
COPY some.txt /
LABEL of=file
"""
# The result contains the config of this base image in addition to its own.
BASE = """\
FROM busybox
LABEL of=base
ONBUILD LABEL on=build
"""
# This scanner lists the files that it finds, so a missing or different tree is noticed.
SCANNER = """\
FROM busybox
COPY <<"EOF" /scan
set -e
list() { find "$1" -type f -maxdepth 2 | grep -v '/bin/' | sort | tr '\\n' ' '; }
for each in "$BUILDKIT_SCAN_SOURCE" "$BUILDKIT_SCAN_SOURCE_EXTRAS"/*; do
  name=$(basename "$each")
  printf '{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "%s",
    "predicate": {"files": "%s", "asked": "%s"}}' \\
    https://spdx.dev/Document "$(list "$each")" "$BUILDKIT_SCAN_WORD" \\
    > "$BUILDKIT_SCAN_DESTINATION/$name.spdx.json"
done
EOF
CMD ["sh", "/scan"]
"""
OPTIONS_BY_NAME: dict[str, dict[str, str]] = {
    "nothing": {},
    "labels": {"label:of": "build", "label:more": "1"},
    "a platform": {"platform": "linux/amd64"},
    "an index": {"build-arg:BUILDKIT_MULTI_PLATFORM": "1"},
    "a time": {"build-arg:SOURCE_DATE_EPOCH": "12"},
}


@pytest.fixture
def push(frontend: str, buildkit_host: str, tmp_path: Path) -> Callable[[str, str], str]:
    """Build an image from a Dockerfile and push it; the function returns its name."""

    def build(name: str, dockerfile: str) -> str:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "Dockerfile").write_text(dockerfile)
        image_name = f"{frontend.partition('/')[0]}/test/{name}"
        with Client(buildkit_host) as client:
            client.solve(
                frontend="dockerfile.v0",
                local_dirs={"context": folder, "dockerfile": folder},
                exports=[image(image_name, push=True)],
            )
        return image_name

    return build


@pytest.fixture
def folder(tmp_path: Path, push: Callable[[str, str], str]) -> Path:
    """A build context."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE.replace("BASE", push("base", BASE)))
    (folder / "some.txt").write_text("some\n")
    return folder


@pytest.mark.feature("G5", "G6", "G7")
@pytest.mark.since("v0.32.2", "a stock frontend with the answers of today's")
def test_the_metadata_of_a_result_equal_those_of_the_stock_frontend(
    frontend: str, buildkit_host: str, folder: Path
) -> None:
    results: dict[str, list[dict[str, bytes]]] = {}

    def build(request: Request, gateway: Gateway) -> Result:
        del request
        for name, options in OPTIONS_BY_NAME.items():
            requests = [("gateway.v0", {**options, "source": frontend}), ("dockerfile.v0", options)]
            results[name] = [
                dict(gateway.solve_frontend(*arguments).metadata) for arguments in requests
            ]
        return gateway.solve_frontend("dockerfile.v0", {})

    with Client(buildkit_host) as client:
        client.build(build, local_dirs={"context": folder, "dockerfile": folder})
    assert list(results) == list(OPTIONS_BY_NAME)
    for name, (ours, theirs) in results.items():
        assert decode_configs(ours) == decode_configs(theirs), name
        assert any(key.startswith("containerimage.base.config") for key in theirs)
    labels = json.loads(results["labels"][0]["containerimage.config"])["config"]["Labels"]
    assert labels == {"of": "build", "on": "build", "more": "1"}
    base_config = json.loads(results["labels"][0]["containerimage.base.config"])
    assert base_config["created"]
    assert base_config["config"]["OnBuild"] == ["LABEL on=build"]


def decode_configs(metadata: dict[str, bytes]) -> dict[str, Any]:
    """Decode the image configs in the metadata of a result."""
    return {
        key: json.loads(value) if value.startswith(b"{") else value
        for key, value in metadata.items()
    }


def build_attestations(address: str, folder: Path, frontend: str, **options: str) -> dict[str, Any]:
    """Build with attestations; return the in-toto statements by blob name."""
    archive = evolve(oci(folder.parent / "image.tar"), attrs={"rewrite-timestamp": "true"})
    with Client(address) as client:
        client.solve(
            frontend=frontend,
            frontend_attrs={"build-arg:SOURCE_DATE_EPOCH": "0", **options},
            local_dirs={"context": folder, "dockerfile": folder},
            exports=[archive],
        )
    with tarfile.open(folder.parent / "image.tar") as tar:
        files = {
            member.name: tar.extractfile(member)
            for member in tar.getmembers()
            if member.name.startswith("blobs/") and member.isfile()
        }
        blob_data = {name: file.read() for name, file in files.items() if file is not None}
    return {name: json.loads(data) for name, data in blob_data.items() if b'"_type"' in data[:4096]}


@pytest.mark.feature("G2")
def test_the_sbom_equals_that_of_the_stock_frontend(
    frontend: str, push: Callable[[str, str], str], buildkit_host: str, folder: Path
) -> None:
    scanner = push("scanner", SCANNER)
    options = {"attest:sbom": f"generator={scanner},WORD=given"}
    ours = build_attestations(buildkit_host, folder, "gateway.v0", source=frontend, **options)
    theirs = build_attestations(buildkit_host, folder, "dockerfile.v0", **options)
    assert ours == theirs
    sboms = [statement["predicate"] for statement in theirs.values()]
    assert len(sboms) == 3
    assert {sbom["asked"] for sbom in sboms} == {"given"}
    assert "/run/src/core/sbom/some.txt" in " ".join(sbom["files"] for sbom in sboms)
