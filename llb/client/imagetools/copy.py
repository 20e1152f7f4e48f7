"""Copy images between stores: blobs first, then manifests, each after what it refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llb.client.imagetools.locations import reading
from llb.client.imagetools.platforms import ATTESTATION
from llb.client.registries.descriptors import Descriptor, descriptors, parse_json
from llb.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llb.client.imagetools.image_store import ImageStore

# The types of referrers that are copied with an image.
REFERRERS = (
    ATTESTATION,
    "application/vnd.dev.cosign.artifact.sig.v1+json",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
)
# Indexes in indexes, and referrers of referrers: more than anyone needs.
DEEPEST = 32
# Layers that only their owner may distribute; clients load them from the URLs of the manifest.
_FOREIGN = ("foreign", "nondistributable")


def copy_image(descriptor: Descriptor, source: ImageStore, target: ImageStore) -> None:
    """Copy a manifest or an index with all that it refers to, and with its referrers.

    What the target has already is not copied. Raises the errors of both stores.
    """
    _copy(descriptor, source, target, set())


def _copy(
    descriptor: Descriptor,
    source: ImageStore,
    target: ImageStore,
    visited: set[str],
    depth: int = 0,
) -> None:
    if source is target or descriptor.digest in visited:
        return
    visited.add(descriptor.digest)
    if depth > DEEPEST:
        raise InputError(f"cannot use {descriptor.digest}: its manifests are nested too deeply")
    if not (descriptor.is_manifest or descriptor.is_index):
        target.copy_blob(descriptor, source)
        return
    content = source.read(descriptor)
    if not target.has_manifest(descriptor.digest):
        with reading(descriptor.digest):
            children = list(_children(descriptor, content))
        for child in children:
            _copy(child, source, target, visited, depth + 1)
        target.put_manifest(descriptor, content)
    for referrer in source.referrers(descriptor.digest, REFERRERS):
        _copy(referrer, source, target, visited, depth + 1)


def _children(descriptor: Descriptor, content: bytes) -> Iterator[Descriptor]:
    values = parse_json(content, "manifest")
    if descriptor.is_index:
        yield from descriptors(values, "manifests")
        return
    yield Descriptor.from_json(values.get("config"))
    for layer in descriptors(values, "layers"):
        is_foreign = layer.urls and any(word in layer.media_type for word in _FOREIGN)
        if not is_foreign:
            yield layer
