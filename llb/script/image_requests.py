"""How a build script asks ``llb build`` to resolve its base images: one line of JSON each way."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from attrs import frozen

from llb.platforms import Platform
from llb.source_map import Location, Range, SourceFile
from llb.sources.base_images import BaseImage
from llb.sources.image_resolver import ResolvedImage

if TYPE_CHECKING:
    from collections.abc import Iterable


@frozen
class ImageRequests:
    """The base images that a script needs, and the local directories that its build reads."""

    images: tuple[BaseImage, ...] = ()
    locals: tuple[str, ...] = ()

    def to_line(self) -> bytes:
        """Encode the requests."""
        images = [_image_to_dict(image) for image in self.images]
        return _line({"images": images, "locals": self.locals})

    @classmethod
    def from_line(cls, line: bytes) -> ImageRequests:
        """Decode the requests."""
        fields = json.loads(line)
        return cls(tuple(map(_image_from_dict, fields["images"])), tuple(fields["locals"]))


def answers_to_line(images: Iterable[ResolvedImage]) -> bytes:
    """Encode resolved images, in the order of the requests."""
    return _line(
        [
            {"digest": i.digest, "config": base64.b64encode(i.config).decode(), "ref": i.ref}
            for i in images
        ]
    )


def answers_from_line(line: bytes) -> list[ResolvedImage]:
    """Decode resolved images."""
    return [
        ResolvedImage(answer["digest"], base64.b64decode(answer["config"]), answer["ref"])
        for answer in json.loads(line)
    ]


def _line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _image_to_dict(image: BaseImage) -> dict[str, Any]:
    platform, span = image.platform, image.span
    return {
        "ref": image.ref,
        "resolve_mode": image.resolve_mode,
        "platform": {
            "os": platform.os,
            "architecture": platform.architecture,
            "variant": platform.variant,
            "os_version": platform.os_version,
            "os_features": platform.os_features,
        },
        "span": None if span is None else [span.filename, span.text, span.line],
    }


def _image_from_dict(fields: dict[str, Any]) -> BaseImage:
    platform = fields["platform"]
    platform["os_features"] = tuple(platform["os_features"])
    locations: tuple[Location, ...] = ()
    if fields["span"] is not None:
        filename, text, line = fields["span"]
        locations = (Location(SourceFile(filename, text.encode()), (Range(line, line),)),)
    return BaseImage(fields["ref"], Platform(**platform), fields["resolve_mode"], locations)
