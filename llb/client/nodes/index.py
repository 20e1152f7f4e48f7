"""The index that joins the parts of an image, each of which one node has built."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

from llb.buildkit_names import EXPORTER_IMAGE_DESCRIPTOR_KEY, EXPORTER_IMAGE_DIGEST_KEY
from llb.client.export.image_options import Annotation
from llb.client.imagetools.annotations import to_targets
from llb.client.imagetools.combine import combine
from llb.client.imagetools.sources import resolve
from llb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llb.client.imagetools.annotations import Target
    from llb.client.imagetools.combine import Combined
    from llb.client.imagetools.locations import Location
    from llb.client.imagetools.stores import Stores
    from llb.client.results import SolveResult

# Annotations of manifests and indexes of the parts are theirs.
_ANNOTATION = re.compile(
    r"annotation-(?P<kind>index|manifest-descriptor)(?:\[(?P<platform>[^\]]*)\])?\.(?P<key>.+)",
    re.DOTALL,
)
_NAMES = "image.name"


def join_parts(
    results: Mapping[str, SolveResult],
    location: Location,
    attrs: Mapping[str, str],
    stores: Stores,
) -> Combined:
    """Join the results of nodes, which are at a location, with the annotations of an exporter.

    Raises TransportError for a result without an image, and the errors of stores.
    """
    sources = [
        resolve((location.with_digest(_digest(result, node)), None), stores)
        for node, result in results.items()
    ]
    return combine(sources, _annotations(attrs), stores, prefer_index=False)


def answers(image: Combined, names: Iterable[str]) -> dict[str, str]:
    """Answer as the exporter of a single node does."""
    descriptor = json.dumps(image.descriptor.to_json()).encode()
    values = {
        EXPORTER_IMAGE_DIGEST_KEY: image.descriptor.digest,
        EXPORTER_IMAGE_DESCRIPTOR_KEY: base64.b64encode(descriptor).decode(),
        _NAMES: ",".join(names),
    }
    return {key: value for key, value in values.items() if value}


def _digest(result: SolveResult, node: str) -> str:
    if result.digest is None:
        raise TransportError(f"the daemon of the node {node} sent no digest of its image")
    return result.digest


def _annotations(attrs: Mapping[str, str]) -> list[Target]:
    targets: list[Target] = []
    for attribute, value in attrs.items():
        match = _ANNOTATION.fullmatch(attribute)
        if match is not None:
            annotation = Annotation(match["key"], value, match["kind"], match["platform"])  # type: ignore[arg-type]
            targets += to_targets(annotation)
    return targets
