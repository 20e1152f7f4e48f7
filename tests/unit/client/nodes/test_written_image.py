"""An OCI archive or layout is put together of the parts of several nodes."""

from __future__ import annotations

import base64
import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from llb.client import SolveResult, oci
from llb.client.export.oci_layout import Layout
from llb.client.imagetools.progress import Progress
from llb.client.nodes.written_image import WrittenImage
from llb.errors import InputError, TransportError
from tests.fakes.registry import digest_of

_OCI = "application/vnd.oci.image"


def put(layout: Path, content: object, kind: str) -> dict[str, Any]:
    """Write a blob to the layout of the parts, and describe it."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    digest = digest_of(data)
    folder = layout / "blobs" / "sha256"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / digest.removeprefix("sha256:")).write_bytes(data)
    return {"mediaType": f"{_OCI}.{kind}", "digest": digest, "size": len(data)}


def build_parts(image: WrittenImage) -> dict[str, SolveResult]:
    """Write the parts as two daemons do."""
    layout = parts_of(image)
    return {name: build_part(layout, name) for name in ("amd64", "arm64")}


def build_part(layout: Path, architecture: str) -> SolveResult:
    config = {"os": "linux", "architecture": architecture}
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}.manifest.v1+json",
        "config": put(layout, config, "config.v1+json"),
        "layers": [put(layout, b"the same layer", "layer.v1.tar")],
    }
    child = {**put(layout, manifest, "manifest.v1+json"), "platform": config}
    index = {"schemaVersion": 2, "mediaType": f"{_OCI}.index.v1+json", "manifests": [child]}
    descriptor = {**put(layout, index, "index.v1+json"), "annotations": {"created": "now"}}
    encoded = base64.b64encode(json.dumps(descriptor).encode()).decode()
    return SolveResult(
        {"containerimage.digest": descriptor["digest"], "containerimage.descriptor": encoded}
    )


def parts_of(image: WrittenImage) -> Path:
    part = image.for_node()
    assert (part.type, part.attrs["tar"]) == ("oci", "false")
    return Path(part.destination or "")


def test_an_archive_has_the_parts_and_an_index_with_the_names(tmp_path: Path) -> None:
    path = tmp_path / "new" / "image.tar"
    image = WrittenImage(oci(path, name=["example.com/a:1", "b"]))
    answers = image.join(build_parts(image), Progress())
    image.abort()
    assert [entry.name for entry in path.parent.iterdir()] == ["image.tar"]
    with tarfile.open(path) as archive:
        members = archive.getmembers()
        index = json.load(archive.extractfile("index.json"))  # type: ignore[arg-type]
    # Two configs, two manifests, a layer and the index; not the indexes of the parts.
    assert len([member for member in members if member.isfile()]) == 6 + 2
    assert [member.name for member in members] == sorted(member.name for member in members)
    assert {member.mtime for member in members} == {0}
    assert [entry["annotations"] for entry in index["manifests"]] == [
        {
            "created": "now",
            "io.containerd.image.name": "example.com/a:1",
            "org.opencontainers.image.ref.name": "1",
        },
        {
            "created": "now",
            "io.containerd.image.name": "docker.io/library/b:latest",
            "org.opencontainers.image.ref.name": "latest",
        },
    ]
    assert {entry["digest"] for entry in index["manifests"]} == {answers["containerimage.digest"]}
    assert answers["image.name"] == "example.com/a:1,docker.io/library/b:latest"


def test_an_archive_goes_to_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stream))
    image = WrittenImage(oci("-"))
    image.join(build_parts(image), Progress())
    image.abort()
    with tarfile.open(fileobj=io.BytesIO(stream.getvalue())) as archive:
        index = json.load(archive.extractfile("index.json"))  # type: ignore[arg-type]
    assert [entry["annotations"] for entry in index["manifests"]] == [{"created": "now"}]
    assert list(tmp_path.iterdir()) == []


def test_a_layout_keeps_its_other_images(tmp_path: Path) -> None:
    image = WrittenImage(oci(tmp_path, tar=False, name="localhost/a:1"))
    first = image.join(build_parts(image), Progress())
    image.abort()
    image = WrittenImage(oci(tmp_path, tar=False))
    image.join(build_parts(image), Progress())
    image.abort()
    layout = Layout(tmp_path)
    found = layout.find("localhost/a:1"), layout.find("latest")
    assert [entry and entry["digest"] for entry in found] == [first["containerimage.digest"]] * 2
    assert {entry.name for entry in tmp_path.iterdir()} == {"blobs", "index.json", "oci-layout"}


def test_a_part_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    image = WrittenImage(oci(tmp_path / "image.tar"))
    parts = build_parts(image)
    with pytest.raises(TransportError, match="the daemon of the node arm64 sent no digest"):
        image.join({**parts, "arm64": SolveResult()}, Progress())
    missing = SolveResult({"containerimage.digest": f"sha256:{'0' * 64}"})
    with pytest.raises(InputError, match="has no blob sha256:000"):
        image.join({**parts, "arm64": missing}, Progress())
    image.abort()
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    image = WrittenImage(oci(path))
    parts = build_parts(image)
    path.mkdir()
    with pytest.raises(InputError, match=f"cannot write {path}"):
        image.join(parts, Progress())
    image.abort()
    assert [entry.name for entry in tmp_path.iterdir()] == ["image.tar"]
