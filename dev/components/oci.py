"""Build a reproducible OCI image with one layer from a folder."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from _typeshed import ReadableBuffer

EPOCH = "1970-01-01T00:00:00Z"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

# Go's names for the machine types that `uname -m` prints.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Layer:
    """A gzipped tar file, with the digests of its compressed and uncompressed bytes."""

    path: Path
    digest: str
    diff_id: str


@dataclass(frozen=True)
class Image:
    """A layer with the encoded config and manifest of the image."""

    layer: Layer
    config: bytes
    manifest: bytes

    @property
    def digest(self) -> str:
        """The digest of the manifest, which identifies the image in a registry."""
        return digest(self.manifest)


def digest(data: bytes) -> str:
    """Compute the OCI digest of `data`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def layer_from_tree(tree: Path, output: Path) -> Layer:
    """Pack the contents of `tree` into `output`, sorted by name and with all times 0."""
    with output.open("wb") as raw:
        packed = _Hashing(raw)
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=packed, mtime=0) as zipped:
            plain = _Hashing(zipped)
            with tarfile.open(fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT) as archive:
                for child in sorted(tree.iterdir()):
                    archive.add(child, child.name, filter=_without_time)
    return Layer(output, packed.digest, plain.digest)


def image(layer: Layer, created_by: str, settings: Mapping[str, object]) -> Image:
    """Build an image of `layer` with `settings`, the `config` object of the image spec.

    A Cmd adds the empty history entry that `docker build` writes for it.
    """
    history: list[dict[str, object]] = [{"created": EPOCH, "created_by": created_by}]
    if "Cmd" in settings:
        cmd = f"CMD {json.dumps(settings['Cmd'])}"
        history.append({"created": EPOCH, "created_by": cmd, "empty_layer": True})
    config = _json(
        {
            "created": EPOCH,
            "architecture": ARCHITECTURES[os.uname().machine],
            "os": "linux",
            "config": dict(settings),
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
            "history": history,
        }
    )
    layer_descriptor = {
        "mediaType": LAYER,
        "digest": layer.digest,
        "size": layer.path.stat().st_size,
    }
    config_descriptor = {"mediaType": CONFIG, "digest": digest(config), "size": len(config)}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config_descriptor,
        "layers": [layer_descriptor],
    }
    return Image(layer, config, _json(manifest))


class _Hashing(io.RawIOBase):
    """A writable file that hashes the data passing through."""

    def __init__(self, sink: BinaryIO | gzip.GzipFile) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()

    def write(self, data: ReadableBuffer) -> int:
        self._hash.update(data)
        return self._sink.write(data)

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def _without_time(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.mtime = 0
    info.uname = info.gname = ""
    return info


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
