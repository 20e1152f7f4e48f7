"""OCI layouts are read, written and locked."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from llb.client.export.oci_layout import Layout, name_annotations, tag_annotations
from llb.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def put_blob(layout: Layout, data: bytes) -> str:
    path = layout.blob(digest_of(data))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return digest_of(data)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


def files(layout: Layout) -> list[str]:
    return sorted(
        str(path.relative_to(layout.path.parent)) for path in layout.path.parent.rglob("*")
    )


def test_an_index_keeps_entries_with_other_names(layout: Layout) -> None:
    first, second = (
        {"mediaType": "x", "digest": digest_of(data), "size": 1} for data in (b"1", b"2")
    )
    with layout.locked():
        layout.put(first, [name_annotations("docker.io/library/a:1"), tag_annotations("latest")])
        layout.put(second, [tag_annotations("latest")])
    assert [entry["digest"] for entry in layout.manifests()] == [first["digest"], second["digest"]]
    assert layout.find("docker.io/library/a:1") == layout.find("1")
    assert layout.find("latest") == {**second, "annotations": tag_annotations("latest")}
    assert layout.find("none") is None
    assert files(layout) == ["layout", "layout/index.json", "layout/oci-layout"]


def test_a_layout_is_locked_for_writing(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llb.client.export.oci_layout._LOCK_SECONDS", 0.1)
    with layout.locked():
        with pytest.raises(InputError, match=r"another process holds .*/index\.json\.lock"):
            layout.locked().__enter__()
        assert files(layout) == ["layout", "layout/index.json.lock"]
    with layout.locked():
        pass
    assert files(layout) == ["layout"]


def test_unreachable_blobs_are_swept(layout: Layout) -> None:
    layer, config = put_blob(layout, b"layer"), put_blob(layout, b"{}")
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    content = {"config": {"digest": config}, "layers": [{"digest": layer}]}
    manifest = put_blob(layout, json.dumps(content).encode())
    put_blob(layout, b"old")
    with layout.locked():
        layout.put(
            {"mediaType": manifest_type, "digest": manifest, "size": 1}, [tag_annotations("latest")]
        )
        layout.sweep()
    assert sorted(layout.digests()) == sorted([layer, config, manifest])


@pytest.mark.parametrize("index", ["[]", '{"manifests": {}}', '{"manifests": [1]}', "\xff"])
def test_an_invalid_index_is_refused(index: str, layout: Layout) -> None:
    layout.path.mkdir()
    (layout.path / "index.json").write_text(index)
    with pytest.raises(InputError, match="cannot read"):
        layout.manifests()
