"""Exports: images with every attribute, directories, several exports at once."""

from __future__ import annotations

import json
import tarfile
import urllib.error
import urllib.request
import uuid
from typing import TYPE_CHECKING

import pytest

from llb import Image, Scratch, State
from llb.client import (
    Annotation,
    Client,
    SolveResult,
    cache_only,
    image,
    local,
    oci,
    registry,
    tar,
)
from llb.client.export.exporters import docker
from llb.client.export.oci_layout import Layout
from tests.e2e.test_failures import cli
from tests.e2e.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llb.client import Export

ACCEPT = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)


@pytest.fixture
def client(buildkit_host: str) -> Iterator[Client]:
    with Client(buildkit_host) as client:
        yield client


@pytest.fixture
def name(stack: dict[str, str]) -> str:
    """A new, unique image name."""
    return f"{stack['PYLLB_REGISTRY']}/test/{uuid.uuid4().hex}"


def fetch_manifest(name: str, reference: str = "latest") -> dict[str, object]:
    """Fetch the manifest of an image from the registry."""
    host, _, path = name.partition("/")
    request = urllib.request.Request(
        f"http://{host}/v2/{path}/manifests/{reference}", headers={"Accept": ACCEPT}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        manifest: dict[str, object] = json.load(answer)
    return manifest


def export_new_file(client: Client, *exports: Export) -> SolveResult:
    return client.solve(Scratch().mkfile("/x", uuid.uuid4().hex), exports=exports)


@pytest.mark.feature("L5")
def test_an_image_has_its_annotations(client: Client, name: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nARG TARGETARCH\nCOPY * /$TARGETARCH/\n")
    notes = [
        Annotation("a.b", "one, two"),
        Annotation("c", "3", platform="linux/amd64"),
        Annotation("d", "4", kind="manifest-descriptor", platform="linux/arm64"),
        Annotation("e", "5", kind="index"),
    ]
    layout = Layout(tmp_path / "layout")
    all_annotations = [*notes, Annotation("f", "6", kind="index-descriptor")]
    client.solve(
        frontend="dockerfile.v0",
        frontend_attrs={"platform": "linux/amd64,linux/arm64"},
        local_dirs={"context": tmp_path, "dockerfile": tmp_path},
        exports=[
            image(name, push=True, annotations=notes),
            oci(layout.path, tar=False, annotations=all_annotations),
        ],
    )
    index = fetch_manifest(name)
    assert index["annotations"] == {"e": "5"}
    manifests = index["manifests"]
    assert isinstance(manifests, list)
    assert [descriptor.get("annotations") for descriptor in manifests] == [None, {"d": "4"}]
    amd64, arm64 = (
        fetch_manifest(name, manifest["digest"])["annotations"] for manifest in manifests
    )
    assert (amd64, arm64) == ({"a.b": "one, two", "c": "3"}, {"a.b": "one, two"})
    (descriptor,) = layout.manifests()
    annotations = descriptor["annotations"]
    assert isinstance(annotations, dict)
    assert annotations["f"] == "6"


@pytest.mark.feature("L3", "L8")
@pytest.mark.since("v0.32.2", "OCI media types for zstd")
def test_layers_are_compressed_as_requested(client: Client, name: str) -> None:
    export_new_file(
        client, registry(name, compression="zstd", compression_level=3, force_compression=True)
    )
    layers = fetch_manifest(name)["layers"]
    assert isinstance(layers, list)
    assert [layer["mediaType"] for layer in layers] == [
        "application/vnd.oci.image.layer.v1.tar+zstd"
    ]


@pytest.mark.feature("L4")
def test_an_image_has_docker_media_types(client: Client, name: str) -> None:
    export_new_file(client, registry(name, oci_mediatypes=False))
    assert (
        fetch_manifest(name)["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
    )


@pytest.mark.feature("L2")
def test_an_image_is_pushed_without_a_tag(client: Client, name: str) -> None:
    result = export_new_file(client, image(name, push=True, push_by_digest=True))
    assert result.digest is not None
    assert fetch_manifest(name, result.digest)["layers"]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch_manifest(name)


@pytest.mark.feature("L6")
def test_rewritten_timestamps_make_an_image_reproducible(client: Client, tmp_path: Path) -> None:
    content = uuid.uuid4().hex
    digests = set()
    for number in range(2):
        state = Image("busybox").run(f"echo {content} > /x", ignore_cache=True)
        export = oci(tmp_path / f"{number}.tar", source_date_epoch=1, rewrite_timestamp=True)
        digests.add(client.solve(state, exports=[export]).digest)
    assert len(digests) == 1


@pytest.mark.feature("L14")
def test_one_build_has_several_results(client: Client, name: str, tmp_path: Path) -> None:
    result = export_new_file(
        client,
        cache_only(),
        local(tmp_path / "tree"),
        registry(name),
        tar(tmp_path / "tree.tar"),
        docker(tmp_path / "image.tar", name=name),
        oci(tmp_path / "layout", name=name, tar=False),
    )
    content = (tmp_path / "tree" / "x").read_bytes()
    with tarfile.open(tmp_path / "tree.tar") as archive:
        member = archive.extractfile("x")
        assert member is not None
        assert member.read() == content
    with tarfile.open(tmp_path / "image.tar") as archive:
        assert "manifest.json" in archive.getnames()
    assert fetch_manifest(name)["layers"]
    (manifest,) = Layout(tmp_path / "layout").manifests()
    assert manifest["digest"] == result.digest


@pytest.mark.feature("L12")
def test_a_local_export_with_delete_replaces_the_directory(client: Client, tmp_path: Path) -> None:
    def state(name: str) -> State:
        return Scratch().mkdir("/kept").mkfile("/kept/new", b"").mkfile(f"/{name}", b"")

    for folder in ("kept", "old/deep"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "stale").touch()
    (tmp_path / "link").symlink_to("old")
    (tmp_path / "dangling").symlink_to("nowhere")
    client.solve(state("one"), exports=[local(tmp_path)])
    assert (tmp_path / "kept" / "stale").exists()
    client.solve(state("two"), exports=[local(tmp_path, delete=True)])
    paths = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert paths == ["kept", "kept/new", "two"]


@pytest.mark.feature("L12")
@pytest.mark.parametrize(
    ("attribute", "names"),
    [("", ["linux_amd64", "linux_arm64"]), (",platform-split=false", ["amd64", "arm64"])],
)
def test_each_platform_has_a_folder(
    attribute: str, names: list[str], buildkit_host: str, tmp_path: Path
) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nARG TARGETARCH\nCOPY x /$TARGETARCH\n")
    (context / "x").touch()
    process = cli(
        *("build", context, "--platform", "linux/amd64,linux/arm64"),
        *("-o", f"type=local,dest={tmp_path}/out{attribute}"),
        address=buildkit_host,
    )
    assert process.returncode == 0, process.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names


@pytest.mark.feature("L12")
def test_a_directory_of_the_result_is_exported(buildkit_host: str, tmp_path: Path) -> None:
    tree = Scratch().mkdir("/in").mkfile("/in/file", "x").mkfile("/top", "y")
    with Client(buildkit_host) as client:
        client.solve(tree, exports=[local(tmp_path / "out", src="/in")])
        client.solve(tree, exports=[tar(tmp_path / "out.tar", src="in")])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["file"]
    with tarfile.open(tmp_path / "out.tar") as archive:
        assert [name.lstrip("./") for name in archive.getnames() if name != "."] == ["file"]


@pytest.mark.feature("K10")
def test_ref_image_id_and_metadata_are_written(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    process = cli(
        *("build", tmp_path, "-o", f"type=oci,dest={tmp_path}/image.tar"),
        *("--ref-file", tmp_path / "ref", "--iidfile", tmp_path / "iid"),
        *("--metadata-file", tmp_path / "metadata.json"),
        address=buildkit_host,
    )
    assert process.returncode == 0, process.stderr
    metadata = json.loads((tmp_path / "metadata.json").read_text())
    assert metadata["containerimage.config.digest"] == (tmp_path / "iid").read_text()
    ref = (tmp_path / "ref").read_text()
    with Client(buildkit_host) as client:
        (result,) = client.history().build(ref).results
    assert result.digest == metadata["containerimage.digest"]


def test_a_failed_build_is_found_in_the_history(buildkit_host: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN exit 7\n")
    process = cli("build", tmp_path, "--ref-file", tmp_path / "ref", address=buildkit_host)
    assert process.returncode == 1
    with Client(buildkit_host) as client:
        assert client.history().build((tmp_path / "ref").read_text()).status == "error"
