"""Options of exporters: attributes by exporter, image options, and annotations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from attrs import field, frozen

from llb.arguments.checked import checked_init
from llb.client.key_values import check_daemon_names, check_names, parse_flag
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
    # BuildKit ignores them since v0.12.
    *("buildinfo", "buildinfo-attrs"),
)
_ON_DAEMON = (
    *("push", "push-by-digest", "registry.insecure", "unpack", "store", "name-canonical"),
    # BuildKit spells it without the l.
    *("dangling-name-prefix", "danging-name-empty-only"),
)
_TREE = ("platform-split", "attestation-prefix", "source-date-epoch", "src")
_KEYS: Mapping[str, tuple[str, ...]] = {
    "image": (*_IMAGE, *_ON_DAEMON),
    "registry": (*_IMAGE, *_ON_DAEMON),
    "oci": (*_IMAGE, "tar"),
    "docker": (*_IMAGE, "tar"),
    "local": (*_TREE, "mode"),
    "tar": _TREE,
    "cacheonly": (),
}
_ALL_KEYS = frozenset(key for keys in _KEYS.values() for key in keys)
_FLAGS = (
    *("force-compression", "oci-mediatypes", "oci-artifact", "attestation-inline"),
    *("prefer-nondist-layers", "rewrite-timestamp", "tar", "platform-split"),
    *(key for key in _ON_DAEMON if key != "dangling-name-prefix"),
)
# For these, an empty value means that the attribute is set.
_MAY_BE_EMPTY = (
    *("push", "push-by-digest", "registry.insecure", "unpack", "store", "tar"),
    *("name-canonical", "danging-name-empty-only", "force-compression"),
)
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "compression": _COMPRESSIONS,
    "mode": ("copy", "delete"),
}
_ANNOTATION = re.compile(r"annotation(?:-([a-z-]+))?(?:\[([A-Za-z0-9_/-]+)\])?\.(\S+)\Z")
# A client may set the metadata of an image that a frontend would set.
_METADATA = "containerimage."


def _optional_platform(platform: Platform | str | None) -> Platform | None:
    return None if platform is None else to_platform(platform)


@checked_init
@frozen
class Annotation:
    """An annotation of an image, with the object it is attached to and an optional platform.

    ``kind`` is ``manifest``, ``index``, or the descriptor of either. Raises InvalidValueError.
    """

    key: str
    value: str
    kind: AnnotationKind = "manifest"
    platform: Platform | None = field(default=None, converter=_optional_platform)

    def __attrs_post_init__(self) -> None:
        _check_choice("annotation kind", self.kind, _KINDS)
        if not self.key or any(character.isspace() for character in self.key):
            raise InvalidValueError(f"invalid annotation key {self.key!r}: expected a word")
        if self.platform is not None and self.kind.startswith("index"):
            raise InvalidValueError(f"an {self.kind} annotation cannot have a platform")

    @property
    def attribute(self) -> str:
        """The annotation's key among the attributes of an exporter."""
        kind = "" if self.kind == "manifest" else f"-{self.kind}"
        platform = "" if self.platform is None else f"[{self.platform}]"
        return f"annotation{kind}{platform}.{self.key}"


class ImageOptions(TypedDict, total=False):
    """Options for exported images; the daemon chooses the defaults.

    ``compression`` of new layers is ``uncompressed``, ``gzip``, ``estargz`` or ``zstd``, at
    ``compression_level`` 0 to 9, for zstd to 22; ``force_compression`` recompresses all layers.
    ``oci_mediatypes`` selects OCI rather than Docker media types. ``oci_artifact`` and
    ``attestation_inline`` select how attestations are stored. ``prefer_nondist_layers`` keeps
    non-distributable layers as such. ``source_date_epoch``, in seconds, is the time of the image;
    with ``rewrite_timestamp``, no file is newer. ``annotations`` is a mapping, for the manifest,
    or a collection of :class:`Annotation`.
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
    """Convert image options to attributes. Raises TypeError for an unknown option."""
    check_keys(options, ImageOptions.__optional_keys__)
    attrs = {
        key.replace("_", "-"): str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in options.items()
        if key != "annotations"
    }
    values = options.get("annotations", ())
    pairs = values.items() if hasattr(values, "items") else ()
    typed = (value for value in values if isinstance(value, Annotation))
    annotations = [*(Annotation(key, value) for key, value in pairs), *typed]
    return attrs | {annotation.attribute: annotation.value for annotation in annotations}


def parse_annotation(text: str) -> tuple[Annotation, ...]:
    """Parse ``[KIND[,KIND…][[PLATFORM]]:]KEY=VALUE``, as buildx does.

    Raises InvalidValueError.

    >>> parse_annotation("index:a=b")
    (Annotation(key='a', value='b', kind='index', platform=None),)
    """
    left, equals, value = text.partition("=")
    scope, colon, key = left.rpartition(":")
    # Without a kind, the key itself may contain a colon.
    match = re.fullmatch(r"([a-z,-]+)(?:\[([^\]]+)\])?", scope) if colon else None
    kinds = match[1].split(",") if match else []
    if not equals or not key:
        raise InvalidValueError(
            f"invalid annotation {text!r}: expected KEY=VALUE", hint="for example index:a=b"
        )
    if match is None or not set(kinds) <= set(_KINDS):
        return (Annotation(left, value),)
    return tuple(Annotation(key, value, kind, match[2]) for kind in kinds)  # type: ignore[arg-type]


def check_attributes(kind: str, attrs: Mapping[str, str]) -> None:
    """Raise InvalidValueError for an unknown attribute of an exporter, or an invalid value."""
    allowed = _KEYS[kind]
    what = f"the exporter {kind}"
    for key, value in attrs.items():
        if not key.startswith(("annotation", _METADATA)):
            check_daemon_names([key], allowed, what, elsewhere=_ALL_KEYS)
            _check_value(key, value)
        elif "name" in allowed:
            _check_annotation(key)
        else:
            check_names([key], allowed, what)


def _check_value(key: str, value: str) -> None:
    if key in _FLAGS and (value or key not in _MAY_BE_EMPTY):
        parse_flag(value, key)
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
    _check_choice("annotation kind", match[1] or "manifest", _KINDS)
    if match[2]:
        to_platform(match[2])


def _check_choice(what: str, value: str, choices: Iterable[str]) -> None:
    if value not in (allowed := tuple(choices)):
        raise InvalidValueError(
            f"invalid {what} {value!r}: expected {', '.join(allowed)}",
            hint=did_you_mean(value, allowed),
        )


def _check_number(key: str, value: str, maximum: int | None) -> None:
    if not re.fullmatch("-?[0-9]+", value) or (
        maximum is not None and not 0 <= int(value) <= maximum
    ):
        bounds = "a whole number" if maximum is None else f"0 to {maximum}"
        raise InvalidValueError(f"invalid {key} {value!r}: expected {bounds}")
