"""What a store of images is: a repository of a registry, or an OCI layout on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llb.client.imagetools.locations import Location
    from llb.client.registries.descriptors import Descriptor


class ImageStore(Protocol):
    """A repository or a layout. Methods raise RegistryError, TransportError and InputError."""

    def resolve(self, location: Location) -> Descriptor:
        """Look up the manifest or index that a location names."""

    def read(self, descriptor: Descriptor) -> bytes:
        """Read a manifest, or a small blob."""

    def pieces(self, descriptor: Descriptor) -> Iterator[bytes]:
        """Read a blob piece by piece; it is verified at its end."""

    def referrers(self, digest: str, artifact_types: Iterable[str]) -> tuple[Descriptor, ...]:
        """List the manifests of these types that refer to a manifest."""

    def has_manifest(self, digest: str) -> bool:
        """Check whether a manifest exists."""

    def copy_blob(self, descriptor: Descriptor, source: ImageStore) -> None:
        """Copy a blob from another store unless it exists here."""

    def put_manifest(self, descriptor: Descriptor, content: bytes) -> None:
        """Write a manifest, to which no tag leads yet."""

    def publish(self, location: Location, descriptor: Descriptor, content: bytes) -> None:
        """Write a manifest and let the tag of a location lead to it."""
