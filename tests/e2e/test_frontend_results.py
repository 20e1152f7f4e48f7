"""What the frontend image returns besides the tree, beside what the stock frontend returns."""

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

    from llb.gateway import Gateway, Request
    from llb.gateway import Result as Answer

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
# What the image below says of itself is kept beside what is made of it.
BASE = """\
FROM busybox
LABEL of=base
ONBUILD LABEL on=build
"""
# It lists the files that it finds, so that a tree that is missing, or another one, is seen.
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
QUESTIONS: dict[str, dict[str, str]] = {
    "nothing": {},
    "labels": {"label:of": "build", "label:more": "1"},
    "a platform": {"platform": "linux/amd64"},
    "an index": {"build-arg:BUILDKIT_MULTI_PLATFORM": "1"},
    "a time": {"build-arg:SOURCE_DATE_EPOCH": "12"},
}


@pytest.fixture
def push(frontend: str, buildkit_host: str, tmp_path: Path) -> Callable[[str, str], str]:
    """Build an image of a Dockerfile and push it; return its name."""

    def build(name: str, text: str) -> str:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "Dockerfile").write_text(text)
        pushed = f"{frontend.partition('/')[0]}/test/{name}"
        with Client(buildkit_host) as client:
            client.solve(
                frontend="dockerfile.v0",
                local_dirs={"context": folder, "dockerfile": folder},
                exports=[image(pushed, push=True)],
            )
        return pushed

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
def test_the_metadata_of_a_result_are_those_of_the_stock_frontend(
    frontend: str, buildkit_host: str, folder: Path
) -> None:
    found: dict[str, list[dict[str, bytes]]] = {}

    def build(request: Request, gateway: Gateway) -> Answer:
        del request
        for name, options in QUESTIONS.items():
            asked = [("gateway.v0", {**options, "source": frontend}), ("dockerfile.v0", options)]
            found[name] = [dict(gateway.solve_frontend(*each).metadata) for each in asked]
        return gateway.solve_frontend("dockerfile.v0", {})

    with Client(buildkit_host) as client:
        client.build(build, local_dirs={"context": folder, "dockerfile": folder})
    assert list(found) == list(QUESTIONS)
    for name, (ours, theirs) in found.items():
        assert without_times(ours) == without_times(theirs), name
        assert any(key.startswith("containerimage.base.config") for key in theirs)
    labels = json.loads(found["labels"][0]["containerimage.config"])["config"]["Labels"]
    assert labels == {"of": "build", "on": "build", "more": "1"}
    below = json.loads(found["labels"][0]["containerimage.base.config"])
    assert below["created"]
    assert below["config"]["OnBuild"] == ["LABEL on=build"]


def without_times(metadata: dict[str, bytes]) -> dict[str, Any]:
    """Return metadata with configs as values."""
    return {
        key: json.loads(value) if value.startswith(b"{") else value
        for key, value in metadata.items()
    }


def attested(address: str, folder: Path, frontend: str, **options: str) -> dict[str, Any]:
    """Build with what is attested of the image; return all that is attested, by its digest."""
    archive = evolve(oci(folder.parent / "image.tar"), attrs={"rewrite-timestamp": "true"})
    with Client(address) as client:
        client.solve(
            frontend=frontend,
            frontend_attrs={"build-arg:SOURCE_DATE_EPOCH": "0", **options},
            local_dirs={"context": folder, "dockerfile": folder},
            exports=[archive],
        )
    with tarfile.open(folder.parent / "image.tar") as opened:
        blobs = {
            each.name: opened.extractfile(each)
            for each in opened.getmembers()
            if each.name.startswith("blobs/") and each.isfile()
        }
        contents = {name: file.read() for name, file in blobs.items() if file is not None}
    return {name: json.loads(data) for name, data in contents.items() if b'"_type"' in data[:4096]}


@pytest.mark.feature("G2")
def test_what_is_in_an_image_is_listed_as_by_the_stock_frontend(
    frontend: str, push: Callable[[str, str], str], buildkit_host: str, folder: Path
) -> None:
    scanner = push("scanner", SCANNER)
    options = {"attest:sbom": f"generator={scanner},WORD=given"}
    ours = attested(buildkit_host, folder, "gateway.v0", source=frontend, **options)
    theirs = attested(buildkit_host, folder, "dockerfile.v0", **options)
    assert ours == theirs
    listed = [each["predicate"] for each in theirs.values()]
    assert len(listed) == 3
    assert {each["asked"] for each in listed} == {"given"}
    assert "/run/src/core/sbom/some.txt" in " ".join(each["files"] for each in listed)
