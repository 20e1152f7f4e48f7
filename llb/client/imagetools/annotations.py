"""Annotations of a created index and of its descriptors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from llb.errors import InvalidValueError, did_you_mean
from llb.platforms import Platform

if TYPE_CHECKING:
    from llb.client.export.image_options import Annotation

_TYPE = re.compile(r"([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?\Z")
_KINDS = ("index", "index-descriptor", "manifest", "manifest-descriptor")
_SUPPORTED = ("index", "manifest-descriptor")


@frozen
class Target:
    """An annotation of the index, or of the descriptors with a platform, by default all of them."""

    kind: str
    key: str
    value: str
    platform: str | None = None


def parse_annotations(text: str) -> tuple[Target, ...]:
    """Parse ``TYPE[PLATFORM],TYPE:KEY=VALUE``. Raises InvalidValueError.

    >>> parse_annotations("index:a=b")
    (Target(kind='index', key='a', value='b', platform=None),)
    """
    name, sign, value = text.partition("=")
    if not sign:
        raise InvalidValueError(f"invalid annotation {text!r}: expected TYPE:KEY=VALUE")
    types, colon, key = name.partition(":")
    if not colon:
        raise _unsupported(text, "manifest")
    return tuple(_target(text, kind, key, value) for kind in types.split(","))


def to_targets(value: str | Annotation) -> tuple[Target, ...]:
    """Convert an annotation to what it applies to. Raises InvalidValueError."""
    if isinstance(value, str):
        return parse_annotations(value)
    if value.kind not in _SUPPORTED:
        raise _unsupported(value.key, value.kind)
    platform = None if value.platform is None else str(value.platform)
    return (Target(value.kind, value.key, value.value, platform),)


def platform_as_written(text: str) -> str:
    """Normalize a platform as far as containerd does when it parses one, for comparing names.

    It keeps the variant v8 of arm64, and drops v7 of arm unless it is written.

    >>> platform_as_written("linux/arm64/v8"), platform_as_written("linux/arm")
    ('linux/arm64/v8', 'linux/arm')
    """
    platform = Platform.parse(text)
    has_variant = text.count("/") == 2
    variant = platform.variant
    if platform.architecture == "arm64" and has_variant and variant is None:
        variant = "v8"
    elif platform.architecture == "arm" and not has_variant and variant == "v7":
        variant = None
    return "/".join(part for part in (platform.os, platform.architecture, variant) if part)


def _target(text: str, kind: str, key: str, value: str) -> Target:
    match = _TYPE.match(kind)
    if match is None or match[1] not in _KINDS:
        raise InvalidValueError(
            f"invalid annotation {text!r}: {kind!r} is not a type",
            hint=did_you_mean(kind, _SUPPORTED) or f"known are {', '.join(_SUPPORTED)}",
        )
    if match[1] not in _SUPPORTED:
        raise _unsupported(text, match[1])
    return Target(match[1], key, value, platform_as_written(match[2]) if match[2] else None)


def _unsupported(text: str, kind: str) -> InvalidValueError:
    return InvalidValueError(
        f"invalid annotation {text!r}: an existing {kind} cannot be changed",
        hint="annotate the new index with index:KEY=VALUE, or the images in it with "
        "manifest-descriptor:KEY=VALUE",
    )
