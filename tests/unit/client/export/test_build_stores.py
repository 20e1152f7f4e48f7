"""The OCI layouts of a build: layout sources, local caches, and an exported image."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from llb.client.caches import parse_cache
from llb.client.export.build_stores import Stores
from llb.errors import InputError, InvalidValueError

if TYPE_CHECKING:
    from pathlib import Path


OTHER = "type=registry,ref=example.com/cache"
MISSING = f"sha256:{'0' * 64}"


def layout(folder: Path, tag: str = "latest") -> str:
    """Write an OCI layout with one manifest, and return the manifest's digest."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    manifest = b'{"schemaVersion": 2}'
    name = hashlib.sha256(manifest).hexdigest()
    (blobs / name).write_bytes(manifest)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    descriptor = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": f"sha256:{name}",
        "size": len(manifest),
        "annotations": {"org.opencontainers.image.ref.name": tag},
    }
    (folder / "index.json").write_text(json.dumps({"manifests": [descriptor]}))
    return f"sha256:{name}"


def test_layouts_have_ids_by_their_names(tmp_path: Path) -> None:
    layout(tmp_path)
    stores = Stores()
    stores.add_layouts({"base": tmp_path})
    assert list(stores.by_id) == ["oci:base"]


def test_a_folder_that_is_not_a_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="base"):
        Stores().add_layouts({"base": tmp_path / "none"})


def test_a_build_writes_only_one_image_layout(tmp_path: Path) -> None:
    stores = Stores()
    stores.add_image(tmp_path / "one")
    assert (list(stores.by_id), len(stores.outputs)) == (["export"], 1)
    with pytest.raises(InvalidValueError) as caught:
        stores.add_image(tmp_path / "two")
    assert caught.value.message == "a build can write only one OCI layout"


def test_an_image_layout_does_not_replace_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("1")
    with pytest.raises(InputError) as caught:
        Stores().add_image(tmp_path / "file")
    assert caught.value.message == (
        f"cannot write an OCI layout to {tmp_path}/file: it is not a directory"
    )


def test_local_caches_are_written_and_others_left_to_the_daemon(tmp_path: Path) -> None:
    stores = Stores()
    caches = [f"type=local,dest={tmp_path}/cache,mode=max", "type=inline"]
    assert stores.add_exports(caches) == [parse_cache(cache) for cache in caches]
    assert (list(stores.by_id), len(stores.outputs)) == ([f"local:{tmp_path}/cache"], 1)


@pytest.mark.parametrize("tag", ["latest", "v1"])
def test_a_local_cache_is_found_by_its_tag(tmp_path: Path, tag: str) -> None:
    digest = layout(tmp_path, tag)
    stores = Stores()
    (cache,) = stores.add_imports([f"type=local,src={tmp_path},tag={tag}"])
    assert cache.attrs["digest"] == digest
    assert (list(stores.by_id), stores.warnings) == ([f"local:{tmp_path}"], [])


def test_a_local_cache_is_found_by_its_digest(tmp_path: Path) -> None:
    digest = layout(tmp_path)
    (cache,) = Stores().add_imports([f"type=local,src={tmp_path},digest={digest}"])
    assert cache.attrs["digest"] == digest


def test_a_missing_folder_is_a_warning(tmp_path: Path) -> None:
    stores = Stores()
    assert stores.add_imports([f"type=local,src={tmp_path}/none"]) == []
    assert stores.warnings == [f"no cache imported from {tmp_path}/none: the folder does not exist"]


@pytest.mark.parametrize(
    ("more", "missing"), [("", "latest"), (",tag=v2", "v2"), (f",digest={MISSING}", MISSING)]
)
def test_a_missing_cache_is_a_warning(tmp_path: Path, more: str, missing: str) -> None:
    if more:
        layout(tmp_path)
    stores = Stores()
    assert stores.add_imports([f"type=local,src={tmp_path}{more}", OTHER]) == [parse_cache(OTHER)]
    assert stores.warnings == [f"no cache imported from {tmp_path}: {missing} does not exist"]


def test_a_cache_of_github_is_left_out_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL", "ACTIONS_CACHE_URL"):
        monkeypatch.delenv(name, raising=False)
    stores = Stores()
    caches = ["type=gha,scope=main", OTHER]
    assert [cache.type for cache in stores.add_imports(caches)] == ["registry"]
    assert [cache.type for cache in stores.add_exports(caches)] == ["registry"]
    reason = "no cache gha: it needs a workflow of GitHub, or a url and a token"
    assert stores.warnings == [reason, reason]
    monkeypatch.setenv("ACTIONS_RUNTIME_TOKEN", "t")
    monkeypatch.setenv("ACTIONS_RESULTS_URL", "https://results")
    assert [cache.type for cache in stores.add_exports(caches)] == ["gha", "registry"]
