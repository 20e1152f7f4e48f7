"""Measure OCI layouts of the client: an image, and a cache export and import."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import tarfile
from typing import TYPE_CHECKING

from bench.session.commands import (
    Build,
    alternate_warm,
    buildctl,
    separate_daemon,
    theirs,
    usage,
    write_definition,
)
from bench.session.transfers import generated, write_files
from llb import OCILayout, Scratch

if TYPE_CHECKING:
    from pathlib import Path

    from bench.pairs import Pairs, Run

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


def layouts(case: str, count: int, scratch: Path, *, size: int) -> Pairs:
    """Measure builds from an image of ``size`` bytes that is new to the daemon."""
    layer = scratch / "layer.tar"
    with tarfile.open(layer, "w", format=tarfile.USTAR_FORMAT) as archive:
        archive.add(write_files(scratch / "tree", size, 1), "file")

    def work(build: Build) -> Run:
        shutil.rmtree(scratch / "layout", ignore_errors=True)
        digest = _write_layout(scratch / "layout", layer)
        base = OCILayout(f"bench/image@{digest}", store_id="base")
        state = Scratch().copy(base, "/", name=f"keep {digest}")
        definition = write_definition(scratch / "layout.pb", state)
        return build(definition, "--oci-layout", f"base={scratch / 'layout'}")

    with separate_daemon(scratch / "daemon"):
        return alternate_warm(case, count, work)


def cache_exports(case: str, count: int, scratch: Path, *, size: int) -> Pairs:
    """Measure exports of a cache with a layer of ``size`` bytes to a directory."""
    definition = write_definition(scratch / "made.pb", generated(size, 1))

    def work(build: Build) -> Run:
        measured = build(definition, "--export-cache", _cache("dest", scratch / "cache"))
        blobs = scratch / "cache" / "blobs" / "sha256"
        if not any(path.stat().st_size > size for path in blobs.iterdir()):
            raise RuntimeError("the layer was not exported")
        shutil.rmtree(scratch / "cache")
        return measured

    with separate_daemon(scratch / "daemon"):
        return alternate_warm(case, count, work)


def cache_imports(case: str, count: int, scratch: Path, *, size: int) -> Pairs:
    """Measure builds on an empty daemon that import a cache and add a step."""
    base = generated(size, 1)
    definition = write_definition(scratch / "made.pb", base)

    def work(build: Build) -> Run:
        buildctl("prune", "--all")
        state = Scratch().copy(base, "/", name=secrets.token_hex(8))
        more = write_definition(scratch / "more.pb", state)
        measured = build(more, "--import-cache", _cache("src", scratch / "cache"))
        if not any(record["size"] > size for record in usage("")):
            raise RuntimeError("the layer was not imported")
        return measured

    with separate_daemon(scratch / "daemon"):
        theirs(definition, "--export-cache", _cache("dest", scratch / "cache"))
        return alternate_warm(case, count, work)


def _cache(key: str, folder: Path) -> str:
    options = ",compression=uncompressed" if key == "dest" else ""
    return f"type=local,{key}={folder}{options}"


def _write_layout(folder: Path, layer: Path) -> str:
    """Change the content of the layer, write a layout with it, and return the digest."""
    with layer.open("r+b") as file:
        # The data follows the header of the only file in it.
        file.seek(512)
        file.write(secrets.token_bytes(16))
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    with layer.open("rb") as file:
        layer_hash = hashlib.file_digest(file, "sha256").hexdigest()
    shutil.copyfile(layer, blobs / layer_hash)
    layer_descriptor = _descriptor(_LAYER, layer_hash, layer.stat().st_size)
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{layer_hash}"]}
    config = _put(blobs, _CONFIG, {"architecture": "amd64", "os": "linux", "rootfs": rootfs})
    manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": config}
    manifest_descriptor = _put(blobs, _MANIFEST, {**manifest, "layers": [layer_descriptor]})
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(
        json.dumps({"schemaVersion": 2, "manifests": [manifest_descriptor]})
    )
    return str(manifest_descriptor["digest"])


def _put(blobs: Path, kind: str, content: object) -> dict[str, object]:
    data = json.dumps(content).encode()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return _descriptor(kind, digest, len(data))


def _descriptor(kind: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": size}
