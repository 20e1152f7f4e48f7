"""Load an image with the configs, SBOMs and provenance of its platforms."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from llb.client.imagetools.copy import DEEPEST
from llb.client.registries.descriptors import (
    Descriptor,
    descriptors,
    parse_json,
    platform_from_json,
    platform_name,
)
from llb.errors import InvalidValueError
from llb.gocompat.json import untyped
from llb.reference import check_digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llb.client.imagetools.image_store import ImageStore

_REFERENCES = ("com.docker.reference.digest", "vnd.docker.reference.digest")
_PREDICATE_TYPE = "in-toto.io/predicate-type"
_SPDX = "https://spdx.dev/Document"
_PROVENANCE = "https://slsa.dev/provenance/"
_IN_TOTO = "application/vnd.in-toto+json"
_DSSE = re.compile(r"application/vnd\.in-toto\..*\+dsse")


@frozen
class LoadedImage:
    """The manifests of an image: the digests of its platforms, and their attestations."""

    store: ImageStore = field(repr=False)
    platforms: Mapping[str, str]
    manifests: Mapping[str, Mapping[str, Any]] = field(repr=False)
    attestations: Mapping[str, tuple[str, ...]] = field(repr=False)

    def configs(self) -> dict[str, dict[str, Any]]:
        """Read the configs by platform. Raises InvalidValueError and the errors of the store."""
        return {
            name: _read_config(self.store, self.manifests[digest])
            for name, digest in sorted(self.platforms.items())
        }

    def provenance(self) -> dict[str, Any]:
        """Read the SLSA provenance of the platforms that have one, as decoded by Go."""
        return {
            name: predicates[-1]
            for name, digest in sorted(self.platforms.items())
            if (predicates := self._first_predicates(digest))
        }

    def sboms(self) -> dict[str, list[Any]]:
        """Read the SPDX documents of the platforms that have some, as decoded by Go."""
        return {
            name: documents
            for name, digest in sorted(self.platforms.items())
            if (documents := list(self._documents(digest)))
        }

    def _first_predicates(self, digest: str) -> list[Any]:
        """Read the first provenance of each attestation manifest."""
        found = []
        for attestation in self.attestations.get(digest, ()):
            for layer in self._statements(attestation):
                if layer.annotations[_PREDICATE_TYPE].startswith(_PROVENANCE):
                    found.append(self._predicate(layer))
                    break
        return found

    def _documents(self, digest: str) -> Iterator[Any]:
        for attestation in self.attestations.get(digest, ()):
            for layer in self._statements(attestation):
                if layer.annotations[_PREDICATE_TYPE] == _SPDX:
                    yield self._predicate(layer)

    def _statements(self, attestation: str) -> Iterator[Descriptor]:
        for layer in descriptors(self.manifests[attestation], "layers"):
            is_statement = layer.media_type == _IN_TOTO or _DSSE.search(layer.media_type)
            if is_statement and _PREDICATE_TYPE in layer.annotations:
                yield layer

    def _predicate(self, layer: Descriptor) -> Any:
        values = parse_json(self.store.read(layer), "attestation")
        if _DSSE.search(layer.media_type):
            try:
                payload = base64.b64decode(str(values.get("payload") or ""), validate=True)
            except (binascii.Error, ValueError) as error:
                raise InvalidValueError(f"invalid envelope {layer.digest}: no base64") from error
            values = parse_json(payload, "attestation")
        return untyped(values.get("predicate"))


def load(descriptor: Descriptor, content: bytes, store: ImageStore) -> LoadedImage:
    """Load the manifests of an image. Raises InvalidValueError and the errors of the store."""
    loader = _Loader(store)
    loader.load(descriptor, content)
    attestations = {digest: tuple(found) for digest, found in loader.attestations.items()}
    return LoadedImage(store, loader.platforms, loader.manifests, attestations)


class _Loader:
    """Reads manifests, those of an index in its order."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store
        self._visited: set[str] = set()
        self.platforms: dict[str, str] = {}
        self.manifests: dict[str, Mapping[str, Any]] = {}
        self.attestations: dict[str, list[str]] = {}

    def load(self, descriptor: Descriptor, content: bytes | None = None, depth: int = 0) -> None:
        known = descriptor.is_manifest or descriptor.is_index
        if not known or descriptor.digest in self._visited:
            return
        self._visited.add(descriptor.digest)
        content = self._store.read(descriptor) if content is None else content
        values = parse_json(content, "manifest")
        if descriptor.is_index:
            if depth > DEEPEST:
                raise InvalidValueError("its indexes are nested too deeply")
            for child in descriptors(values, "manifests"):
                self.load(child, depth=depth + 1)
            return
        self.manifests[descriptor.digest] = values
        subjects = [descriptor.annotations.get(key) for key in _REFERENCES]
        subject = next((one for one in subjects if one is not None), None)
        if subject is not None:
            self.attestations.setdefault(check_digest(subject), []).append(descriptor.digest)
            return
        platform = descriptor.platform
        if platform is None:
            platform = platform_from_json(_read_config(self._store, values))
        self.platforms[platform_name(platform.normalize())] = descriptor.digest


def _read_config(store: ImageStore, manifest: Mapping[str, Any]) -> dict[str, Any]:
    return parse_json(store.read(Descriptor.from_json(manifest.get("config"))), "config")
