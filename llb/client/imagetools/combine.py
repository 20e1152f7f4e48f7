"""Combine sources to an index, as ``docker buildx imagetools create`` does."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from llb.client.imagetools.locations import reading
from llb.client.registries.descriptors import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    DOCKER_SCHEMA1,
    OCI_INDEX,
    Descriptor,
    descriptors,
    detect_media_type,
    digest_of,
    parse_json,
    platform_from_json,
    platform_name,
    string_map,
)
from llb.errors import ConfigurationWarning, InvalidValueError
from llb.gocompat import json as gojson
from llb.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llb.client.imagetools.annotations import Target
    from llb.client.imagetools.sources import Source
    from llb.client.imagetools.stores import Stores

_DOCKER = "application/vnd.docker."


@frozen
class Combined:
    """A new image: its descriptor and bytes, and where the manifests in it come from.

    ``origins`` has them by their digests; an index that is copied as it is has one for itself.
    """

    descriptor: Descriptor
    content: bytes = field(repr=False)
    origins: Mapping[str, Source] = field(factory=dict, repr=False)

    def manifests(self) -> tuple[Descriptor, ...]:
        """List the manifests of an index, or the only manifest. Raises InvalidValueError."""
        is_index = self.descriptor.is_index
        return Index.parse(self.content).manifests if is_index else (self.descriptor,)

    def origin(self, digest: str) -> Source | None:
        """Look up the source of a manifest; None if it comes with the image to which it refers."""
        return self.origins.get(digest) or self.origins.get(self.descriptor.digest)


@frozen
class Index:
    """The fields of an index or manifest list, which are written in the order of Go."""

    media_type: str
    manifests: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(factory=dict)
    artifact_type: str | None = None
    subject: Descriptor | None = None

    @classmethod
    def parse(cls, content: bytes) -> Index:
        """Read an index. Raises InvalidValueError."""
        values = parse_json(content, "index")
        subject = values.get("subject")
        return cls(
            str(values.get("mediaType") or ""),
            descriptors(values, "manifests"),
            string_map(values, "annotations"),
            str(values.get("artifactType") or "") or None,
            None if subject is None else Descriptor.from_json(subject),
        )

    def to_bytes(self) -> bytes:
        """Encode the index with two spaces per level."""
        optional = {
            "artifactType": self.artifact_type,
            "manifests": [one.to_json() for one in self.manifests],
            "subject": None if self.subject is None else self.subject.to_json(),
            "annotations": dict(sorted(self.annotations.items())),
        }
        values = {
            "schemaVersion": 2,
            **({"mediaType": self.media_type} if self.media_type else {}),
            **{key: value for key, value in optional.items() if value or key == "manifests"},
        }
        return gojson.marshal_indent(values).encode()


def combine(
    sources: Sequence[Source],
    annotations: Sequence[Target],
    stores: Stores,
    *,
    prefer_index: bool,
) -> Combined:
    """Combine sources; a single one is copied, a single manifest only unless ``prefer_index``.

    Raises the errors of stores, and InputError for an invalid manifest.
    """
    contents = [stores.open(one.location).read(_as_manifest(one.descriptor)) for one in sources]
    completed = [
        _complete(source, content, stores)
        for source, content in zip(sources, contents, strict=True)
    ]
    if len(completed) == 1 and not annotations:
        (only,) = completed
        if only.descriptor.is_index or not prefer_index:
            origins = {only.descriptor.digest: only}
            return Combined(only.descriptor, contents[0], origins)
    children, origins = _children(completed, contents)
    is_docker = all(child.media_type.startswith(_DOCKER) for child in children)
    index = Index(DOCKER_LIST if is_docker else OCI_INDEX, children)
    if is_docker and annotations:
        warnings.warn(
            "a manifest list of Docker has no annotations: they are left out",
            ConfigurationWarning,
            stacklevel=3,
        )
    else:
        index = _annotated(index, annotations)
    return _of_index(index, origins)


def of_index(index: Index, combined: Combined) -> Combined:
    """Replace the index of a new image."""
    made = _of_index(index, combined.origins)
    annotated = evolve(made.descriptor, annotations=combined.descriptor.annotations)
    default = combined.origins.get(combined.descriptor.digest)
    origins = combined.origins if default is None else {made.descriptor.digest: default}
    return evolve(made, descriptor=annotated, origins={**combined.origins, **origins})


def _of_index(index: Index, origins: Mapping[str, Source]) -> Combined:
    content = index.to_bytes()
    return Combined(
        Descriptor(index.media_type, digest_of(content), len(content)), content, origins
    )


def _as_manifest(descriptor: Descriptor) -> Descriptor:
    """Let a source of an unknown type be read as a manifest, which it must be."""
    is_known = descriptor.is_manifest or descriptor.is_index
    return descriptor if is_known else evolve(descriptor, media_type=DOCKER_MANIFEST)


def _complete(source: Source, content: bytes, stores: Stores) -> Source:
    """Add the media type and the platform of a source where its descriptor does not have them."""
    descriptor = source.descriptor
    with reading(source.location):
        if not descriptor.media_type:
            descriptor = evolve(descriptor, media_type=detect_media_type(content))
        if descriptor.media_type == DOCKER_SCHEMA1:
            raise InvalidValueError("a manifest of schema 1 cannot be in an index")
        if descriptor.is_manifest:
            platform = descriptor.platform or Platform("", "")
            if not platform.os or not platform.architecture:
                platform = _with_config(platform, source, content, stores)
            descriptor = evolve(descriptor, platform=platform)
    return evolve(source, descriptor=descriptor)


def _with_config(platform: Platform, source: Source, content: bytes, stores: Stores) -> Platform:
    """Take from the config of an image what its platform does not say."""
    config = Descriptor.from_json(parse_json(content, "manifest").get("config"))
    values = parse_json(stores.open(source.location).read(config), "config")
    known = platform_from_json(values).normalize()
    if not platform.architecture:
        platform = evolve(
            platform,
            architecture=known.architecture,
            variant=platform.variant or known.variant,
        )
    return platform if platform.os else evolve(platform, os=known.os or Platform.host().os)


def _children(
    sources: Sequence[Source], contents: Sequence[bytes]
) -> tuple[tuple[Descriptor, ...], dict[str, Source]]:
    """List the manifests of the new index, each digest once."""
    children: dict[str, Descriptor] = {}
    origins: dict[str, Source] = {}
    for source, content in zip(sources, contents, strict=True):
        with reading(source.location):
            manifests = Combined(source.descriptor, content).manifests()
        for child in manifests:
            known = children.get(child.digest)
            children[child.digest] = child if known is None else _merged(known, child)
            origins[child.digest] = source
    return tuple(children.values()), origins


def _merged(old: Descriptor, new: Descriptor) -> Descriptor:
    return evolve(
        old,
        media_type=old.media_type or new.media_type,
        platform=new.platform or old.platform,
        annotations={**old.annotations, **new.annotations},
    )


def _annotated(index: Index, annotations: Sequence[Target]) -> Index:
    own = {one.key: one.value for one in annotations if one.kind == "index"}
    manifests = []
    for child in index.manifests:
        name = None if child.platform is None else platform_name(child.platform)
        added = {
            one.key: one.value
            for one in annotations
            if one.kind == "manifest-descriptor" and one.platform in (None, name)
        }
        manifests.append(evolve(child, annotations={**child.annotations, **added}))
    return evolve(index, annotations=own, manifests=tuple(manifests))
