"""Caches of builds beside the daemon's own: where one is read from, and where it is written."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

from attrs import field, frozen

from llb.errors import InvalidValueError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KINDS = ("registry", "inline", "gha", "s3", "azblob")
_MODES = ("min", "max")


@frozen
class Cache:
    """A cache: its kind and its attributes, those that BuildKit documents for it.

    ``mode`` of one that is written is ``min`` (the layers of the result) or ``max`` (those
    of every step). Raises InvalidValueError.
    """

    type: str
    attrs: Mapping[str, str] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        if self.type == "local":
            raise InvalidValueError(
                "caches in local directories are not supported yet",
                hint="use a registry: type=registry,ref=localhost:5000/cache",
            )
        if self.type not in KINDS:
            raise InvalidValueError(
                f"unknown cache {self.type!r}: expected {', '.join(KINDS)}",
                hint=did_you_mean(self.type, KINDS),
            )
        if self.type == "registry" and not self.attrs.get("ref"):
            raise InvalidValueError(
                "a registry cache needs a ref", hint="for example type=registry,ref=ghcr.io/o/cache"
            )
        mode = self.attrs.get("mode", "min")
        if mode not in _MODES:
            raise InvalidValueError(
                f"invalid cache mode {mode!r}: expected {', '.join(_MODES)}",
                hint=did_you_mean(mode, _MODES),
            )


def registry_cache(ref: str, *, mode: str = "min") -> Cache:
    """Return a cache that lives in a registry under a name."""
    return Cache("registry", {"ref": ref, "mode": mode})


def inline_cache() -> Cache:
    """Return the cache that is written into the image itself, and read from it as a registry's."""
    return Cache("inline")


def parse_cache(text: str) -> Cache:
    """Return the cache of ``type=…,key=value…``, or of a reference in a registry alone.

    Raises InvalidValueError.

    >>> parse_cache("ghcr.io/owner/cache")
    Cache(type='registry', attrs={'ref': 'ghcr.io/owner/cache'})
    """
    if "=" not in text:
        return Cache("registry", {"ref": text})
    attrs: dict[str, str] = {}
    for each in next(csv.reader([text], strict=True), []):
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise InvalidValueError(
                f"invalid cache {text!r}: {each!r} is no key=value",
                hint="for example type=registry,ref=ghcr.io/owner/cache,mode=max",
            )
        attrs[key.strip().lower()] = value
    kind = attrs.pop("type", None)
    if kind is None:
        raise InvalidValueError(f"invalid cache {text!r}: it has no type")
    return Cache(kind, attrs)


def to_cache(cache: str | Cache) -> Cache:
    """Return a cache, parsing text. Raises InvalidValueError."""
    return parse_cache(cache) if isinstance(cache, str) else cache


def frontend_attrs(imports: Iterable[Cache]) -> dict[str, str]:
    """Return how a frontend is told of the caches to read from, for the solves that it makes."""
    entries = [{"Type": each.type, "Attrs": dict(each.attrs)} for each in imports]
    return {"cache-imports": json.dumps(entries, separators=(",", ":"))} if entries else {}
