"""Results of a frontend: references to trees, and metadata for the exporter.

The metadata keys are those that BuildKit's exporters read (``exporter/containerimage/exptypes``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from llb._pb import gateway_pb2 as pb
from llb.arguments.checked import checked, checked_init
from llb.buildkit_names import EXPORTER_IMAGE_BASE_CONFIG_KEY, EXPORTER_IMAGE_CONFIG_KEY
from llb.definition.definition import Definition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from llb._pb import ops_pb2
    from llb.platforms import Platform

_PLATFORMS = "refs.platforms"
_WINDOWS = "windows"
_EPOCH = "source.date.epoch"


@checked_init
@frozen
class Ref:
    """A tree on the daemon, built or still to be built; an empty ``id`` is the empty tree."""

    id: str
    _message: ops_pb2.Definition | None = field(default=None, eq=False, repr=False)

    @property
    def definition(self) -> Definition | None:
        """The LLB of the tree as the daemon sent it; None if it sent none."""
        return None if self._message is None else Definition.from_pb(self._message)


@checked_init
@frozen
class Attestation:
    """An attestation of an image: in-toto statements, one in each file of a tree.

    ``predicate_type`` is the URI of their predicate, ``metadata`` goes to the exporter.
    """

    ref: Ref
    predicate_type: str
    metadata: Mapping[str, bytes] = field(factory=dict)


@checked_init
@frozen
class PlatformImage:
    """An image for one platform, with its config in JSON.

    ``base`` is the config of its base image, whose layers exporters leave unchanged when they
    rewrite timestamps. ``epoch`` is the timestamp that exporters write. ``name`` distinguishes
    images for the same platform; exporters of files create a directory of that name.
    """

    ref: Ref
    platform: Platform
    config: bytes = field(repr=False)
    base: bytes | None = field(default=None, repr=False)
    epoch: datetime | None = None
    name: str = ""

    @property
    def id(self) -> str:
        """The name, or the platform: the key in metadata and attestations."""
        return self.name or str(self.platform.normalize())

    def metadata(self) -> Iterator[tuple[str, bytes]]:
        """Yield the exporter metadata of the image."""
        yield EXPORTER_IMAGE_CONFIG_KEY, self.config
        if self.base is not None:
            yield EXPORTER_IMAGE_BASE_CONFIG_KEY, self.base
        if self.epoch is not None:
            yield _EPOCH, str(int(self.epoch.timestamp())).encode()


@checked_init
@frozen
class Result:
    """The result of a frontend: one tree, or one per platform.

    ``refs`` and ``attestations`` are keyed by platform; ``metadata`` goes to the exporter.
    """

    ref: Ref | None = None
    refs: Mapping[str, Ref] = field(factory=dict)
    metadata: Mapping[str, bytes] = field(factory=dict)
    attestations: Mapping[str, pb.Attestations] = field(factory=dict)

    @classmethod
    @checked
    def of_images(cls, images: Iterable[PlatformImage], *, is_index: bool = False) -> Result:
        """Build the result for one or more images.

        A single image becomes a plain image, unless it ``is_index``; several become an index.
        """
        images = tuple(images)
        platforms = {_PLATFORMS: _platforms_json(images)}
        if len(images) == 1 and not is_index:
            return cls(ref=images[0].ref, metadata={**dict(images[0].metadata()), **platforms})
        metadata = {
            f"{key}/{image.id}": value for image in images for key, value in image.metadata()
        }
        return cls(
            refs={image.id: image.ref for image in images}, metadata={**metadata, **platforms}
        )

    @checked
    def with_attestations(self, found: Mapping[str, Iterable[Attestation]]) -> Result:
        """Add attestations by the ids of images."""
        added = {
            key: pb.Attestations(attestation=map(_message, entries))
            for key, entries in found.items()
        }
        return evolve(self, attestations={**self.attestations, **added})


def _message(attestation: Attestation) -> pb.Attestation:
    return pb.Attestation(
        kind=pb.Bundle,
        metadata=attestation.metadata,
        ref=pb.Ref(id=attestation.ref.id),
        inTotoPredicateType=attestation.predicate_type,
    )


def _platforms_json(images: Iterable[PlatformImage]) -> bytes:
    """Encode ``refs.platforms`` as Go does: each platform with its id."""
    entries = []
    for image in images:
        platform = image.platform.normalize()
        version = platform.os_version
        if platform.os == _WINDOWS and version is None:
            # The version of the base image: platforms for Windows rarely specify one.
            version = json.loads(image.config).get("os.version")
        fields = {
            "architecture": platform.architecture,
            "os": platform.os,
            "os.version": version,
            "os.features": list(platform.os_features),
            "variant": platform.variant,
        }
        kept = {key: value for key, value in fields.items() if value}
        entries.append({"ID": image.id, "Platform": kept})
    return json.dumps({"Platforms": entries}, separators=(",", ":")).encode()
