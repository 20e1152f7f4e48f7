"""Oci layout."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from llb.client.export.oci_layout import Layout, named, tagged
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


def test_an_index_keeps_what_has_other_names(layout: Layout) -> None:
    one, two = ({"mediaType": "x", "digest": digest_of(each), "size": 1} for each in (b"1", b"2"))
    with layout.locked():
        layout.put(one, [named("docker.io/library/a:1"), tagged("latest")])
        layout.put(two, [tagged("latest")])
    assert [each["digest"] for each in layout.manifests()] == [one["digest"], two["digest"]]
    assert layout.find("docker.io/library/a:1") == layout.find("1")
    assert layout.find("latest") == {**two, "annotations": tagged("latest")}
    assert layout.find("none") is None
    assert files(layout) == ["layout", "layout/index.json", "layout/oci-layout"]


def test_a_layout_is_changed_by_one_at_a_time(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llb.client.export.oci_layout._LOCK_SECONDS", 0.1)
    with layout.locked():
        with pytest.raises(InputError, match=r"another process holds .*/index\.json\.lock"):
            layout.locked().__enter__()
        assert files(layout) == ["layout", "layout/index.json.lock"]
    with layout.locked():
        pass
    assert files(layout) == ["layout"]


def test_what_nothing_leads_to_is_swept(layout: Layout) -> None:
    layer, config = put_blob(layout, b"layer"), put_blob(layout, b"{}")
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    content = {"config": {"digest": config}, "layers": [{"digest": layer}]}
    manifest = put_blob(layout, json.dumps(content).encode())
    put_blob(layout, b"old")
    with layout.locked():
        layout.put({"mediaType": manifest_type, "digest": manifest, "size": 1}, [tagged("latest")])
        layout.sweep()
    assert sorted(layout.digests()) == sorted([layer, config, manifest])


@pytest.mark.parametrize("text", ["[]", '{"manifests": {}}', '{"manifests": [1]}', "\xff"])
def test_an_index_that_is_none_is_refused(text: str, layout: Layout) -> None:
    layout.path.mkdir()
    (layout.path / "index.json").write_text(text)
    with pytest.raises(InputError, match="cannot read"):
        layout.manifests()
