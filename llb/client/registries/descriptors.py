"""Descriptors of manifests and blobs, and the media types of images.

The fields and their order in JSON are those of the OCI image specification (descriptor.md) as Go
encodes them, so that an index that is read and written again has the same bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from llb.arguments.checked import checked_init
from llb.errors import InvalidValueError
from llb.platforms import Platform
from llb.reference import check_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
INDEXES = (DOCKER_LIST, OCI_INDEX)
MANIFESTS = (DOCKER_MANIFEST, OCI_MANIFEST)


def _strings_of(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(values)


def _mapping(value: Mapping[str, str] | None) -> Mapping[str, str]:
    return dict(value or {})


@checked_init
@frozen
class Descriptor:
    """What points to a manifest or blob: its media type, digest and size in bytes.

    ``platform`` is that of an image in an index, as it is spelled there. ``data`` is the content
    itself, if it is embedded. Raises InvalidValueError for an invalid digest.
    """

    media_type: str
    digest: str
    size: int
    urls: tuple[str, ...] = field(default=(), converter=_strings_of)
    annotations: Mapping[str, str] = field(factory=dict, converter=_mapping)
    data: bytes | None = field(default=None, repr=False)
    platform: Platform | None = None
    artifact_type: str | None = None

    def __attrs_post_init__(self) -> None:
        check_digest(self.digest)
        if self.size < 0:
            raise InvalidValueError(f"invalid size {self.size} of {self.digest}")

    @property
    def is_index(self) -> bool:
        """Whether this is an OCI index or a manifest list of Docker."""
        return self.media_type in INDEXES

    @property
    def is_manifest(self) -> bool:
        """Whether this is the manifest of one image."""
        return self.media_type in MANIFESTS

    @classmethod
    def from_json(cls, value: object) -> Descriptor:
        """Read a descriptor from JSON values. Raises InvalidValueError."""
        content = _object(value, "descriptor")
        data = _field(content, "data", str, None)
        platform = content.get("platform")
        return cls(
            media_type=_field(content, "mediaType", str, ""),
            digest=_field(content, "digest", str, ""),
            size=_field(content, "size", int, 0),
            urls=_strings(content, "urls"),
            annotations=string_map(content, "annotations"),
            data=None if data is None else _decode(data),
            platform=None if platform is None else platform_from_json(platform),
            artifact_type=_field(content, "artifactType", str, None) or None,
        )

    def to_json(self) -> dict[str, object]:
        """Convert to JSON values, in the order and with the omissions of Go."""
        optional = {
            "urls": list(self.urls),
            "annotations": dict(sorted(self.annotations.items())),
            "data": base64.b64encode(self.data).decode() if self.data else None,
            "platform": None if self.platform is None else platform_to_json(self.platform),
            "artifactType": self.artifact_type,
        }
        return {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
            **{key: value for key, value in optional.items() if value},
        }


def platform_from_json(value: object) -> Platform:
    """Read a platform as it is spelled, without normalizing it. Raises InvalidValueError."""
    content = _object(value, "platform")
    return Platform(
        os=_field(content, "os", str, ""),
        architecture=_field(content, "architecture", str, ""),
        variant=_field(content, "variant", str, None) or None,
        os_version=_field(content, "os.version", str, None) or None,
        os_features=tuple(_strings(content, "os.features")),
    )


def platform_to_json(platform: Platform) -> dict[str, object]:
    """Convert a platform to JSON values, in the order of Go."""
    optional = {
        "os.version": platform.os_version,
        "os.features": list(platform.os_features),
        "variant": platform.variant,
    }
    return {
        "architecture": platform.architecture,
        "os": platform.os,
        **{key: value for key, value in optional.items() if value},
    }


def platform_name(platform: Platform) -> str:
    """Format a platform without the version and features of its system.

    >>> platform_name(Platform("windows", "amd64", os_version="10.0.17763.1"))
    'windows/amd64'
    """
    if not platform.os:
        return "unknown"
    parts = (platform.os, platform.architecture, platform.variant)
    return "/".join(part for part in parts if part)


def digest_of(content: bytes, like: str = "sha256") -> str:
    """Compute a digest, with the algorithm of another one.

    >>> digest_of(b"")[:19]
    'sha256:e3b0c44298fc'
    """
    algorithm = like.partition(":")[0]
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def parse_json(data: bytes, what: str) -> dict[str, Any]:
    """Parse the JSON object of a manifest or config. Raises InvalidValueError.

    As in Go, surrogates without their pair become U+FFFD.
    """
    try:
        text = data.decode("utf-8", "replace")
        content = json.loads(text, object_pairs_hook=_pairs)
    # Hostile JSON may be nested deeply.
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(f"invalid {what}: it is not JSON") from error
    return _object(content, what)


def detect_media_type(content: bytes) -> str:
    """Find out the media type of a manifest that does not say it. Raises InvalidValueError."""
    values = parse_json(content, "manifest")
    if values.get("mediaType"):
        return str(values["mediaType"])
    if values.get("config") is not None:
        return DOCKER_MANIFEST
    return DOCKER_SCHEMA1 if values.get("fsLayers") else DOCKER_LIST


def descriptors(content: Mapping[str, Any], key: str) -> tuple[Descriptor, ...]:
    """Read a list of descriptors, empty if it is absent. Raises InvalidValueError."""
    return tuple(map(Descriptor.from_json, _field(content, key, list, None) or ()))


def string_map(content: Mapping[str, Any], key: str) -> dict[str, str]:
    """Read an object of strings, empty if it is absent. Raises InvalidValueError."""
    values = _field(content, key, dict, None) or {}
    if not all(isinstance(value, str) for value in values.values()):
        raise InvalidValueError(f"invalid {key}: expected strings")
    return values


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    return {_whole(key): _whole(value) for key, value in pairs}


def _whole(value: Any) -> Any:
    """Replace lone surrogates in strings, also in lists."""
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidValueError(f"invalid {what}: expected a JSON object")
    return value


def _field(content: Mapping[str, Any], key: str, kind: type, default: Any) -> Any:
    """Look up a field; null is the default, as in Go."""
    value = content.get(key)
    if value is None:
        return default
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InvalidValueError(f"invalid {key}: expected {_KINDS[kind]}")
    return value


_KINDS = {str: "a string", int: "a whole number", list: "a list", dict: "an object"}


def _strings(content: Mapping[str, Any], key: str) -> list[str]:
    values = _field(content, key, list, None) or []
    if not all(isinstance(value, str) for value in values):
        raise InvalidValueError(f"invalid {key}: expected a list of strings")
    return values


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidValueError("invalid data of a descriptor: it is not base64") from error
