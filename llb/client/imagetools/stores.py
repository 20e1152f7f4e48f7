"""Open the stores of images: repositories of registries, and OCI layouts on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from llb._lazy import lazy_imports
from llb.client.registries.client import RegistryClient

with lazy_imports(__name__):
    from llb.client.imagetools import layout_store  # 10 ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llb.client.imagetools.image_store import ImageStore
    from llb.client.imagetools.locations import Location
    from llb.client.registries.descriptors import Descriptor
    from llb.client.registries.repository import Repository


class Stores:
    """Opens stores, each once, with a client that is closed at the end of a ``with`` block.

    A client of the caller stays open.
    """

    def __init__(self, client: RegistryClient | None = None) -> None:
        self._client = RegistryClient() if client is None else client
        self._is_own = client is None
        self._stores: dict[tuple[bool, str], ImageStore] = {}

    def __enter__(self) -> Self:
        """Enter a block that ends with closing the connections."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections of a client of our own."""
        if self._is_own:
            self._client.close()

    def open(self, location: Location) -> ImageStore:
        """Open the store of a location."""
        key = location.is_layout, location.name
        if key not in self._stores:
            self._stores[key] = (
                layout_store.LayoutStore(location.name)
                if location.is_layout
                else RegistryStore(self._client.repository(location.name))
            )
        return self._stores[key]


class RegistryStore:
    """A repository of a registry."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository

    def resolve(self, location: Location) -> Descriptor:
        """Look up the manifest or index that a location names."""
        return self.repository.resolve(location.reference)

    def read(self, descriptor: Descriptor) -> bytes:
        """Read a manifest, or a small blob."""
        if descriptor.is_manifest or descriptor.is_index:
            return self.repository.manifest(descriptor.digest).content
        return self.repository.read_blob(descriptor)

    def pieces(self, descriptor: Descriptor) -> Iterator[bytes]:
        """Read a blob piece by piece."""
        return self.repository.blob(descriptor)

    def referrers(self, digest: str, artifact_types: Iterable[str]) -> tuple[Descriptor, ...]:
        """List the manifests of these types that refer to a manifest."""
        return self.repository.referrers(digest, artifact_types)

    def has_manifest(self, digest: str) -> bool:
        """Check whether a manifest exists."""
        return self.repository.find(digest) is not None

    def copy_blob(self, descriptor: Descriptor, source: ImageStore) -> None:
        """Mount a blob from a repository of the same registry, or copy it."""
        if isinstance(source, RegistryStore):
            self.repository.copy_blob(descriptor, source.repository)
        elif not self.repository.has_blob(descriptor.digest):
            self.repository.put_blob_from(descriptor, source.pieces(descriptor))

    def put_manifest(self, descriptor: Descriptor, content: bytes) -> None:
        """Write a manifest under its digest."""
        self.repository.put_manifest(content, descriptor.media_type)

    def publish(self, location: Location, descriptor: Descriptor, content: bytes) -> None:
        """Write a manifest under a tag, unless the tag leads to it already."""
        known = self.repository.find(location.tag or descriptor.digest)
        if known is None or known.digest != descriptor.digest:
            self.repository.put_manifest(content, descriptor.media_type, tag=location.tag)
