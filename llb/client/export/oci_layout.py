"""An OCI image layout: a folder of blobs under their digests, and an index that names some.

The form is that of the OCI image specification (image-layout.md); the index is locked and its
entries are named as buildctl does it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

from llb.client.json_files import read_object
from llb.errors import InputError, InvalidValueError
from llb.reference import check_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Descriptor: TypeAlias = "Mapping[str, object]"
"""A descriptor as in JSON: ``mediaType``, ``digest``, ``size``, ``annotations`` and others."""

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


def named(name: str) -> dict[str, str]:
    """Return the annotations of an image with a full name, ``docker.io/library/app:1``.

    >>> named("docker.io/library/app:1")["org.opencontainers.image.ref.name"]
    '1'
    """
    _, separator, rest = name.partition("/")
    parts = re.split("[:@]", rest, maxsplit=1)
    return {_NAME: name, _TAG: parts[1] if separator and len(parts) == 2 else name}


def tagged(tag: str) -> dict[str, str]:
    """Return the annotations of what has a tag alone."""
    return {_TAG: tag}


@frozen
class Layout:
    """The layout in a folder, which may not be there yet."""

    path: Path

    def blob(self, digest: str) -> Path:
        """Return where a blob is, or would be. Raises InvalidValueError for what is no digest."""
        algorithm, _, value = check_digest(digest).partition(":")
        return self.path / "blobs" / algorithm / value

    def digests(self) -> Iterator[str]:
        """Yield the digests of all blobs."""
        for path in sorted(self.path.glob("blobs/*/*")):
            with suppress(InvalidValueError):
                yield check_digest(f"{path.parent.name}:{path.name}")

    def manifests(self) -> tuple[Descriptor, ...]:
        """Return what the index lists; nothing without an index. Raises InputError."""
        return tuple(_entries(self._index(), self._index_path, "manifests"))

    def find(self, name: str) -> Descriptor | None:
        """Return what has this full name, or else this tag; None where nothing has."""
        manifests = self.manifests()
        for key in (_NAME, _TAG):
            for each in manifests:
                if _annotation(each, key) == name:
                    return each
        return None

    def put(self, descriptor: Descriptor, names: Iterable[Mapping[str, str]]) -> None:
        """List a blob under names, in place of what had them, while locked. Raises InputError.

        Who reads meanwhile finds the index as it was or as it will be.
        """
        index = self._index()
        entries = _entries(index, self._index_path, "manifests")
        for name in names:
            entries = [each for each in entries if not _has_name(each, name)]
            entries.append({**descriptor, "annotations": {**_annotations(descriptor), **name}})
        index = {"schemaVersion": 2, "mediaType": _INDEX, **index, "manifests": entries}
        self._write("oci-layout", _LAYOUT)
        self._write("index.json", index)

    def sweep(self) -> None:
        """Delete the blobs that nothing leads to from the index, while locked.

        Raises InputError.
        """
        reached = self._reached()
        for digest in list(self.digests()):
            if digest not in reached:
                self.blob(digest).unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other programs from changing it, buildctl too; make the folder if it is not there.

        Raises InputError where another holds the lock for long.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        path = self.path / "index.json.lock"
        descriptor = _lock(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(descriptor)

    def _reached(self) -> set[str]:
        reached: set[str] = set()
        ahead = list(self.manifests())
        while ahead:
            descriptor = ahead.pop()
            digest = str(descriptor.get("digest"))
            if digest in reached:
                continue
            reached.add(digest)
            if descriptor.get("mediaType") in _WITH_CHILDREN:
                ahead += self._children(digest)
        return reached

    def _children(self, digest: str) -> list[Descriptor]:
        path = self.blob(digest)
        content = read_object(path)
        config = content.get("config")
        own = [config] if isinstance(config, dict) else []
        return [*own, *_entries(content, path, "manifests"), *_entries(content, path, "layers")]

    @property
    def _index_path(self) -> Path:
        return self.path / "index.json"

    def _index(self) -> dict[str, object]:
        return read_object(self._index_path) if self._index_path.exists() else {}

    def _write(self, name: str, content: object) -> None:
        staging = self.path / f".{name}.partial-{os.getpid()}"
        try:
            staging.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
            staging.replace(self.path / name)
        finally:
            staging.unlink(missing_ok=True)


def _lock(path: Path) -> int:
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it removes the file; a lock on one that is gone locks nothing.
            if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        except (BlockingIOError, FileNotFoundError):
            if time.monotonic() > until:
                os.close(descriptor)
                raise InputError(
                    f"cannot write {path.with_suffix('')}: another process holds {path}"
                ) from None
        os.close(descriptor)
        time.sleep(_LOCK_PAUSE)


def _entries(content: Mapping[str, object], path: Path, key: str) -> list[Descriptor]:
    found = content.get(key)
    entries = [] if found is None else found
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise InputError(f"cannot read {path}: {key} is not a list of descriptors")
    return entries


def _annotations(descriptor: Descriptor) -> Mapping[str, object]:
    found = descriptor.get("annotations")
    return found if isinstance(found, dict) else {}


def _annotation(descriptor: Descriptor, key: str) -> object:
    return _annotations(descriptor).get(key)


def _has_name(descriptor: Descriptor, name: Mapping[str, str]) -> bool:
    return all(_annotation(descriptor, key) == name.get(key) for key in (_NAME, _TAG))
