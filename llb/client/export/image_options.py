"""What an exporter can be told: attributes by kind, how an image is made, annotations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from attrs import field, frozen

from llb.client.key_values import check_known, flag
from llb.errors import InvalidValueError, did_you_mean
from llb.platforms import Platform, to_platform
from llb.state.step_options import check_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Compression: TypeAlias = Literal["uncompressed", "gzip", "estargz", "zstd"]
AnnotationKind: TypeAlias = Literal["manifest", "manifest-descriptor", "index", "index-descriptor"]

_KINDS = ("manifest", "manifest-descriptor", "index", "index-descriptor")
_COMPRESSIONS = ("uncompressed", "gzip", "estargz", "zstd")
_MAX_LEVEL = 22
# The attributes of BuildKit's exporters (exptypes.ImageExporterOptKey, exporter/local).
_IMAGE = (
    *("name", "compression", "compression-level", "force-compression", "oci-mediatypes"),
    *("oci-artifact", "attestation-inline", "prefer-nondist-layers", "rewrite-timestamp"),
    "source-date-epoch",
)
_ON_DAEMON = (
    *("push", "push-by-digest", "registry.insecure", "unpack", "store", "name-canonical"),
    # BuildKit spells it without the l.
    *("dangling-name-prefix", "danging-name-empty-only"),
)
_TREE = ("platform-split", "attestation-prefix", "source-date-epoch")
_KEYS: Mapping[str, tuple[str, ...]] = {
    "image": (*_IMAGE, *_ON_DAEMON),
    "registry": (*_IMAGE, *_ON_DAEMON),
    "oci": (*_IMAGE, "tar"),
    "docker": (*_IMAGE, "tar"),
    "local": (*_TREE, "mode"),
    "tar": _TREE,
    "cacheonly": (),
}
_FLAGS = (
    *("force-compression", "oci-mediatypes", "oci-artifact", "attestation-inline"),
    *("prefer-nondist-layers", "rewrite-timestamp", "tar", "platform-split"),
    *(key for key in _ON_DAEMON if key != "dangling-name-prefix"),
)
# An empty value of these is the one that the attribute is there for.
_MAY_BE_EMPTY = (
    *("push", "push-by-digest", "registry.insecure", "unpack", "store", "tar"),
    *("name-canonical", "danging-name-empty-only", "force-compression"),
)
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "compression": _COMPRESSIONS,
    "mode": ("copy", "delete"),
}
_ANNOTATION = re.compile(r"annotation(?:-([a-z-]+))?(?:\[([A-Za-z0-9_/-]+)\])?\.(\S+)\Z")
# What a frontend would say of an image may be said by the client.
_METADATA = "containerimage."


def _optional_platform(given: Platform | str | None) -> Platform | None:
    return None if given is None else to_platform(given)


@frozen
class Annotation:
    """Words about an image: where they stand, and on which platform's manifest.

    ``kind`` is ``manifest``, ``index``, or the descriptor of either, which stands in what
    lists it. Raises InvalidValueError.
    """

    key: str
    value: str
    kind: AnnotationKind = "manifest"
    platform: Platform | None = field(default=None, converter=_optional_platform)

    def __attrs_post_init__(self) -> None:
        _check_choice("kind of annotation", self.kind, _KINDS)
        if not self.key or any(each.isspace() for each in self.key):
            raise InvalidValueError(f"invalid key of an annotation {self.key!r}: expected a word")
        if self.platform is not None and self.kind.startswith("index"):
            raise InvalidValueError(f"an {self.kind} annotation is of no platform")

    @property
    def attribute(self) -> str:
        """The key of the exporter's attribute."""
        kind = "" if self.kind == "manifest" else f"-{self.kind}"
        platform = "" if self.platform is None else f"[{self.platform}]"
        return f"annotation{kind}{platform}.{self.key}"


class ImageOptions(TypedDict, total=False):
    """How an image is made; what is not given is the daemon's choice.

    ``compression`` of new layers is ``uncompressed``, ``gzip``, ``estargz`` or ``zstd``, at
    ``compression_level`` 0 to 9, for zstd to 22; ``force_compression`` is for all layers.
    ``oci_mediatypes`` says whether the types are OCI's or Docker's, ``oci_artifact`` and
    ``attestation_inline`` how attestations are kept, ``prefer_nondist_layers`` that layers
    stay non-distributable. ``source_date_epoch``, in seconds, is the time of the image, and
    with ``rewrite_timestamp`` no file is younger. ``annotations`` is a mapping, for the
    manifest, or values.
    """

    compression: Compression
    compression_level: int
    force_compression: bool
    oci_mediatypes: bool
    oci_artifact: bool
    attestation_inline: bool
    prefer_nondist_layers: bool
    source_date_epoch: int
    rewrite_timestamp: bool
    annotations: Mapping[str, str] | Iterable[Annotation]


def to_attributes(options: ImageOptions) -> dict[str, str]:
    """Return options as attributes. Raises TypeError for one that there is not."""
    check_keys(options, ImageOptions.__optional_keys__)
    attrs = {
        key.replace("_", "-"): str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in options.items()
        if key != "annotations"
    }
    given = options.get("annotations", ())
    pairs = given.items() if hasattr(given, "items") else ()
    own = (each for each in given if isinstance(each, Annotation))
    annotations = [*(Annotation(key, value) for key, value in pairs), *own]
    return attrs | {each.attribute: each.value for each in annotations}


def parse_annotation(text: str) -> tuple[Annotation, ...]:
    """Return the annotations of ``[KIND[,KIND…][[PLATFORM]]:]KEY=VALUE``, as buildx reads it.

    Raises InvalidValueError.

    >>> parse_annotation("index:a=b")
    (Annotation(key='a', value='b', kind='index', platform=None),)
    """
    left, equals, value = text.partition("=")
    where, colon, key = left.rpartition(":")
    # A key may have a colon itself, after no kind.
    match = re.fullmatch(r"([a-z,-]+)(?:\[([^\]]+)\])?", where) if colon else None
    kinds = match[1].split(",") if match else []
    if not equals or not key:
        raise InvalidValueError(
            f"invalid annotation {text!r}: expected KEY=VALUE", hint="for example index:a=b"
        )
    if match is None or not set(kinds) <= set(_KINDS):
        return (Annotation(left, value),)
    return tuple(Annotation(key, value, each, match[2]) for each in kinds)  # type: ignore[arg-type]


def check_attributes(kind: str, attrs: Mapping[str, str]) -> None:
    """Raise InvalidValueError for an attribute that an exporter does not have, or not so."""
    known = _KEYS[kind]
    makes_image = "name" in known
    for key, value in attrs.items():
        if makes_image and key.startswith(("annotation", _METADATA)):
            _check_annotation(key)
            continue
        check_known([key], known, f"the exporter {kind}")
        _check_value(key, value)


def _check_value(key: str, value: str) -> None:
    if key in _FLAGS and (value or key not in _MAY_BE_EMPTY):
        flag(value, key)
    elif key in _CHOICES:
        _check_choice(key, value, _CHOICES[key])
    elif key == "compression-level":
        _check_number(key, value, _MAX_LEVEL)
    elif key == "source-date-epoch" and value:
        _check_number(key, value, None)


def _check_annotation(key: str) -> None:
    if key.startswith(_METADATA):
        return
    match = _ANNOTATION.match(key)
    if match is None:
        raise InvalidValueError(
            f"invalid annotation {key!r}: expected annotation[-KIND][[PLATFORM]].KEY",
            hint="for example annotation-index.org.opencontainers.image.title=app",
        )
    _check_choice("kind of annotation", match[1] or "manifest", _KINDS)
    if match[2]:
        to_platform(match[2])


def _check_choice(what: str, value: str, choices: Iterable[str]) -> None:
    if value not in (known := tuple(choices)):
        raise InvalidValueError(
            f"invalid {what} {value!r}: expected {', '.join(known)}",
            hint=did_you_mean(value, known),
        )


def _check_number(key: str, value: str, most: int | None) -> None:
    if not re.fullmatch("-?[0-9]+", value) or (most is not None and not 0 <= int(value) <= most):
        bounds = "a whole number" if most is None else f"0 to {most}"
        raise InvalidValueError(f"invalid {key} {value!r}: expected {bounds}")
