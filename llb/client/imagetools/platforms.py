"""Keep the images of some platforms in an index, with their attestations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from llb.client.imagetools.combine import Index, of_index
from llb.errors import InvalidValueError
from llb.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Collection

    from llb.client.imagetools.combine import Combined
    from llb.client.imagetools.stores import Stores
    from llb.client.registries.descriptors import Descriptor

ATTESTATION = "application/vnd.docker.attestation.manifest.v1+json"
_TYPE, _DIGEST = "vnd.docker.reference.type", "vnd.docker.reference.digest"
_IS_ATTESTATION = "attestation-manifest"
_WIN32K = "win32k"


def keep_platforms(combined: Combined, platforms: Collection[Platform], stores: Stores) -> Combined:
    """Keep some platforms, by default all, and add attestations that are referrers of an image.

    Raises InvalidValueError if nothing remains, and the errors of stores.
    """
    if not combined.descriptor.is_index:
        _check_only(combined.descriptor, platforms)
        return combined
    index = Index.parse(combined.content)
    subjects = _subjects(index)
    kept = tuple(
        child
        for child in index.manifests
        if _matches(subjects.get(child.digest, child), platforms) or _matches(child, platforms)
    )
    if not kept:
        raise InvalidValueError("no image has one of the platforms " + _names(platforms))
    added = tuple(_found_attestations(combined, kept, subjects, stores))
    if len(kept) == len(index.manifests) and not added:
        return combined
    return of_index(evolve(index, manifests=(*kept, *added)), combined)


def _check_only(descriptor: Descriptor, platforms: Collection[Platform]) -> None:
    if platforms and not _matches(descriptor, platforms):
        raise InvalidValueError(
            f"the image is for {descriptor.platform}, not for {_names(platforms)}"
        )


def _subjects(index: Index) -> dict[str, Descriptor]:
    """Find the images of the attestations in an index, by the digests of these."""
    children = {child.digest: child for child in index.manifests}
    subjects = {}
    for child in index.manifests:
        subject = children.get(child.annotations.get(_DIGEST, ""))
        if child.annotations.get(_TYPE) == _IS_ATTESTATION and subject is not None:
            subjects[child.digest] = subject
    return subjects


def _found_attestations(
    combined: Combined,
    kept: Collection[Descriptor],
    subjects: dict[str, Descriptor],
    stores: Stores,
) -> list[Descriptor]:
    """Look for the attestations of images that have none in the index."""
    attested = {subject.digest for subject in subjects.values()}
    found = []
    for child in kept:
        origin = combined.origin(child.digest)
        if child.digest in subjects or child.digest in attested or origin is None:
            continue
        referrers = stores.open(origin.location).referrers(child.digest, (ATTESTATION,))
        for referrer in (one for one in referrers if one.digest not in subjects):
            reference = {_TYPE: _IS_ATTESTATION, _DIGEST: child.digest}
            found.append(
                evolve(
                    referrer,
                    platform=Platform("unknown", "unknown"),
                    annotations={**referrer.annotations, **reference},
                    artifact_type=None,
                )
            )
            break
    return found


def _matches(descriptor: Descriptor, platforms: Collection[Platform]) -> bool:
    """Check whether a platform is one of those wanted; without a platform, it always is."""
    if descriptor.platform is None or not platforms:
        return True
    actual = descriptor.platform.normalize()
    return any(_is_same(platform.normalize(), actual) for platform in platforms)


def _is_same(wanted: Platform, actual: Platform) -> bool:
    """Compare as containerd does: a wanted version of Windows is that of the build number."""
    key = (wanted.os, wanted.architecture, wanted.variant)
    if key != (actual.os, actual.architecture, actual.variant):
        return False
    features = set(actual.os_features)
    if wanted.os == "windows":
        features.discard(_WIN32K)
        wanted_build = (wanted.os_version or "").split(".")[:3]
        actual_build = (actual.os_version or "").split(".")[:3]
        if wanted.os_version and actual.os_version and wanted_build != actual_build:
            return False
    return features <= set(wanted.os_features)


def _names(platforms: Collection[Platform]) -> str:
    return ", ".join(map(str, platforms))
