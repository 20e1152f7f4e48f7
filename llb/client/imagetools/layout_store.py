"""OCI layouts as stores of images.

Referrers have no place of their own in a layout: they are found from the images that the index
names, or are entries of the index with the digest to which they refer, as in containerd.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from llb.client.export.oci_layout import Layout, tag_annotations
from llb.client.registries.descriptors import (
    Descriptor,
    descriptors,
    detect_media_type,
    digest_of,
    parse_json,
)
from llb.errors import InputError
from llb.local_files import paths
from llb.local_files.atomic_write import WholeFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llb.client.imagetools.image_store import ImageStore
    from llb.client.imagetools.locations import Location

_SUBJECT = "io.containerd.manifest.subject"
_REFERENCE = "vnd.docker.reference.digest"
_CHUNK = 1024 * 1024


class LayoutStore:
    """An OCI layout in a folder, which is created when something is written."""

    def __init__(self, path: str) -> None:
        self._layout = Layout(Path(path))
        # Referrers without a place in the index, by their subjects.
        self._referrers: list[tuple[str, Descriptor]] = []

    def resolve(self, location: Location) -> Descriptor:
        """Look up the manifest or index that a location names. Raises InputError."""
        if location.digest is not None:
            content = self._blob(location.digest)
            return Descriptor(detect_media_type(content), location.digest, len(content))
        entry = self._layout.find(location.tag or "latest")
        if entry is None:
            raise InputError(f"there is no image {location}")
        return Descriptor.from_json(entry)

    def read(self, descriptor: Descriptor) -> bytes:
        """Read a manifest, or a small blob."""
        return self._blob(descriptor.digest)

    def pieces(self, descriptor: Descriptor) -> Iterator[bytes]:
        """Read a blob piece by piece; the store that gets it verifies the digest."""
        path = self._path(descriptor.digest)
        with path.open("rb") as file:
            while piece := file.read(_CHUNK):
                yield piece

    def referrers(self, digest: str, artifact_types: Iterable[str]) -> tuple[Descriptor, ...]:
        """List the manifests of these types that refer to a manifest."""
        wanted = tuple(artifact_types)
        found: dict[str, Descriptor] = {}
        visited: set[str] = set()
        pending = [Descriptor.from_json(entry) for entry in self._layout.manifests()]
        while pending:
            entry = pending.pop(0)
            if entry.digest in visited:
                continue
            visited.add(entry.digest)
            subjects = [entry.annotations.get(key) for key in (_SUBJECT, _REFERENCE)]
            if entry.is_index:
                pending += descriptors(parse_json(self._blob(entry.digest), "index"), "manifests")
            elif entry.is_manifest:
                values = parse_json(self._blob(entry.digest), "manifest")
                subjects.append((values.get("subject") or {}).get("digest"))
            if digest in subjects:
                found[entry.digest] = entry
        return tuple(one for one in found.values() if not wanted or one.artifact_type in wanted)

    def has_manifest(self, digest: str) -> bool:
        """Check whether a manifest exists."""
        return paths.is_file(self._layout.blob(digest))

    def copy_blob(self, descriptor: Descriptor, source: ImageStore) -> None:
        """Copy a blob from another store unless it exists here."""
        if not self.has_manifest(descriptor.digest):
            self._write(descriptor.digest, source.pieces(descriptor))

    def put_manifest(self, descriptor: Descriptor, content: bytes) -> None:
        """Write a manifest; that of a referrer gets into the index with the image."""
        self._write(descriptor.digest, [content])
        subject = (parse_json(content, "manifest").get("subject") or {}).get("digest")
        if subject is not None:
            self._referrers.append((subject, descriptor))

    def publish(self, location: Location, descriptor: Descriptor, content: bytes) -> None:
        """Write a manifest, and add it to the index under the tag."""
        self.put_manifest(descriptor, content)
        name = {} if location.tag is None else tag_annotations(location.tag)
        children = descriptors(parse_json(content, "manifest"), "manifests")
        reachable = {child.digest for child in children}
        with self._layout.locked():
            self._layout.put(descriptor.to_json(), [name])
            for subject, referrer in self._referrers:
                if referrer.digest not in reachable:
                    annotations = {**referrer.annotations, _SUBJECT: subject}
                    self._layout.put(evolve(referrer, annotations=annotations).to_json(), [{}])

    def _blob(self, digest: str) -> bytes:
        path = self._path(digest)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
        if digest_of(content, digest) != digest:
            raise InputError(f"invalid blob {path}: its bytes do not have this digest")
        return content

    def _path(self, digest: str) -> Path:
        path = self._layout.blob(digest)
        if not paths.is_file(path):
            raise InputError(f"the OCI layout {self._layout.path} has no blob {digest}")
        return path

    def _write(self, digest: str, pieces: Iterable[bytes]) -> None:
        """Write a blob, which has its name once it is complete. Raises InputError."""
        path = self._layout.blob(digest)
        file = WholeFile(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with file.open() as opened:
                for piece in pieces:
                    opened.write(piece)
            file.commit()
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from error
        finally:
            file.abort()
