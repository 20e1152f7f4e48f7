"""An OCI image layout: a folder of blobs by digest, with an index that names some of them.

The format is that of the OCI image specification (image-layout.md); the index is locked and its
entries are named as buildctl does.
"""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

from llb.client.json_files import read_object
from llb.errors import InputError, InvalidValueError
from llb.local_files import locks, paths
from llb.local_files.atomic_write import write_whole
from llb.reference import check_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Descriptor: TypeAlias = "Mapping[str, object]"
"""A descriptor in JSON: ``mediaType``, ``digest``, ``size``, ``annotations`` and others."""

_NAME = "io.containerd.image.name"
_TAG = "org.opencontainers.image.ref.name"
_LAYOUT = {"imageLayoutVersion": "1.0.0"}
_INDEX = "application/vnd.oci.image.index.v1+json"
_WITH_CHILDREN = (
    _INDEX,
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_LOCK_SECONDS = 10.0
_LOCK_PAUSE = 0.05


def name_annotations(name: str) -> dict[str, str]:
    """Build the annotations for an image with a full name, ``docker.io/library/app:1``.

    >>> name_annotations("docker.io/library/app:1")["org.opencontainers.image.ref.name"]
    '1'
    """
    _, separator, path = name.partition("/")
    parts = re.split("[:@]", path, maxsplit=1)
    return {_NAME: name, _TAG: parts[1] if separator and len(parts) == 2 else name}


def tag_annotations(tag: str) -> dict[str, str]:
    """Build the annotations for an entry that has only a tag."""
    return {_TAG: tag}


@frozen
class Layout:
    """The OCI layout in a folder, which need not exist yet."""

    path: Path

    def blob(self, digest: str) -> Path:
        """Build the path of a blob, whether it exists or not. Raises InvalidValueError."""
        algorithm, _, value = check_digest(digest).partition(":")
        return self.path / "blobs" / algorithm / value

    def digests(self) -> Iterator[str]:
        """List the digests of all blobs."""
        for path in sorted(self.path.glob("blobs/*/*")):
            with suppress(InvalidValueError):
                yield check_digest(f"{path.parent.name}:{path.name}")

    def manifests(self) -> tuple[Descriptor, ...]:
        """Read the entries of the index; empty without an index. Raises InputError."""
        return tuple(_entries(self._index(), self._index_path, "manifests"))

    def find(self, name: str) -> Descriptor | None:
        """Find the entry with this full name, or else with this tag; None if there is neither."""
        manifests = self.manifests()
        for key in (_NAME, _TAG):
            for manifest in manifests:
                if _annotation(manifest, key) == name:
                    return manifest
        return None

    def put(self, descriptor: Descriptor, names: Iterable[Mapping[str, str]]) -> None:
        """Add a blob to the index under names, replacing previous holders; call while locked.

        An empty name adds the blob unless it has an entry. Concurrent readers see either the old or the new index. Raises InputError.
        """
        index = self._index()
        entries = _entries(index, self._index_path, "manifests")
        for name in names:
            digest = None if name else descriptor["digest"]
            if digest in [entry.get("digest") for entry in entries]:
                continue
            entries = [entry for entry in entries if digest or not _has_name(entry, name)]
            annotations = {**_annotations(descriptor), **name}
            entries.append({**descriptor, "annotations": dict(sorted(annotations.items()))})
        index = {"schemaVersion": 2, "mediaType": _INDEX, **index, "manifests": entries}
        self._write("oci-layout", _LAYOUT)
        self._write("index.json", index)

    def sweep(self) -> None:
        """Delete the blobs that are unreachable from the index; call while locked.

        Raises InputError.
        """
        reachable = self._reachable()
        for digest in list(self.digests()):
            if digest not in reachable:
                self.blob(digest).unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the layout against other programs, including buildctl; create the folder if missing.

        Raises InputError if another process holds the lock for too long.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        path = self.path / "index.json.lock"
        descriptor = _lock(path)
        try:
            yield
        finally:
            locks.close_and_remove(descriptor, path)

    def _reachable(self) -> set[str]:
        reachable: set[str] = set()
        pending = list(self.manifests())
        while pending:
            descriptor = pending.pop()
            digest = str(descriptor.get("digest"))
            if digest in reachable:
                continue
            reachable.add(digest)
            if descriptor.get("mediaType") in _WITH_CHILDREN:
                pending += self._children(digest)
        return reachable

    def _children(self, digest: str) -> list[Descriptor]:
        path = self.blob(digest)
        content = read_object(path)
        config = content.get("config")
        configs = [config] if isinstance(config, dict) else []
        return [*configs, *_entries(content, path, "manifests"), *_entries(content, path, "layers")]

    @property
    def _index_path(self) -> Path:
        return self.path / "index.json"

    def _index(self) -> dict[str, object]:
        return read_object(self._index_path) if paths.exists(self._index_path) else {}

    def _write(self, name: str, content: object) -> None:
        write_whole(self.path / name, json.dumps(content, separators=(",", ":")).encode())


def _lock(path: Path) -> int:
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        # A lock on a file that was removed has no effect.
        if locks.try_lock(descriptor) and locks.has_name(descriptor, path):
            return descriptor
        os.close(descriptor)
        if time.monotonic() > deadline:
            raise InputError(f"cannot write {path.with_suffix('')}: another process holds {path}")
        time.sleep(_LOCK_PAUSE)


def _entries(content: Mapping[str, object], path: Path, key: str) -> list[Descriptor]:
    value = content.get(key)
    entries = [] if value is None else value
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"cannot read {path}: {key} is not a list of descriptors")
    return entries


def _annotations(descriptor: Descriptor) -> Mapping[str, object]:
    annotations = descriptor.get("annotations")
    return annotations if isinstance(annotations, dict) else {}


def _annotation(descriptor: Descriptor, key: str) -> object:
    return _annotations(descriptor).get(key)


def _has_name(descriptor: Descriptor, name: Mapping[str, str]) -> bool:
    return all(_annotation(descriptor, key) == name.get(key) for key in (_NAME, _TAG))
