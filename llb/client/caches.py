"""Caches of builds beside the daemon's own: where one is read from, and where it is written."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Literal, TypeAlias

from attrs import evolve, field, frozen

from llb.client.key_values import check_known, flag, parse_attributes, show
from llb.errors import InvalidValueError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Mode: TypeAlias = Literal["min", "max"]
"""What is written: the layers of the result, or those of every step."""

_LAYERS = (
    *("compression", "compression-level", "force-compression", "image-manifest"),
    *("oci-mediatypes", "mode", "ignore-error"),
)
_PREFIXES = ("name", "prefix", "manifests_prefix", "blobs_prefix", "mode", "ignore-error")
# The attributes that each kind has, by BuildKit's documentation and its cache/remotecache.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "registry": ("ref", "registry.insecure", *_LAYERS),
    "local": ("src", "dest", "digest", "tag", "reset", *_LAYERS),
    "inline": ("mode", "ignore-error"),
    "gha": (
        *("scope", "url", "url_v2", "token", "version", "repository", "ghtoken", "timeout"),
        *("mode", "ignore-error"),
    ),
    "s3": (
        *("bucket", "region", "endpoint_url", "access_key_id", "secret_access_key"),
        *("session_token", "use_path_style", "touch_refresh", "upload_parallelism"),
        *("disable_accept_encoding", "retry_mode", "retry_max_attempts", *_PREFIXES),
    ),
    "azblob": ("account_url", "account_name", "secret_access_key", "container", *_PREFIXES),
}
KINDS = tuple(_KEYS)
_MODES = ("min", "max")
_SECRET = ("token", "ghtoken", "session_token", "secret_access_key")


def _shown(attrs: Mapping[str, str]) -> str:
    return show(attrs, _SECRET)


@frozen
class Cache:
    """A cache: its kind and its attributes, those that BuildKit documents for it.

    ``mode`` of one that is written is ``min`` (the layers of the result) or ``max`` (those
    of every step). Raises InvalidValueError.
    """

    type: str
    attrs: Mapping[str, str] = field(factory=dict, repr=_shown)

    def __attrs_post_init__(self) -> None:
        if self.type not in KINDS:
            raise InvalidValueError(
                f"unknown cache {self.type!r}: expected {', '.join(KINDS)}",
                hint=did_you_mean(self.type, KINDS),
            )
        check_known(self.attrs, _KEYS[self.type], f"the cache {self.type}")
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

    def is_set(self, key: str) -> bool:
        """Return whether an attribute is true. Raises InvalidValueError."""
        return flag(self.attrs.get(key, "false"), key)


def registry_cache(
    ref: str, *, mode: Mode = "min", insecure: bool = False, ignore_error: bool = False
) -> Cache:
    """Return a cache that lives in a registry under a name.

    ``insecure`` allows plain HTTP and certificates of nobody. With ``ignore_error`` a build
    succeeds whose cache cannot be written.
    """
    attrs = {"ref": ref, "mode": mode}
    attrs |= {"registry.insecure": "true"} if insecure else {}
    return Cache("registry", attrs | ({"ignore-error": "true"} if ignore_error else {}))


def local_cache(
    folder: str | Path, *, mode: Mode = "min", tag: str | None = None, reset: bool = False
) -> Cache:
    """Return a cache in a folder of the client, an OCI layout; to be read or written.

    It is what ``tag`` names there, by itself ``latest``. ``reset`` deletes what no cache in
    the folder needs once another was written.
    """
    attrs = {"src": str(folder), "dest": str(folder), "mode": mode}
    attrs |= {} if tag is None else {"tag": tag}
    return Cache("local", attrs | ({"reset": "true"} if reset else {}))


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
    attrs = parse_attributes(text, "cache", "type=registry,ref=ghcr.io/owner/cache,mode=max")
    kind = attrs.pop("type", None)
    if kind is None:
        raise InvalidValueError(f"invalid cache {text!r}: it has no type")
    return Cache(kind, attrs)


def to_cache(cache: str | Cache) -> Cache:
    """Return a cache, parsing text. Raises InvalidValueError."""
    return parse_cache(cache) if isinstance(cache, str) else cache


def check_source(cache: Cache) -> Cache:
    """Return a cache as it is read. Raises InvalidValueError for one that can only be written."""
    if cache.type == "inline":
        raise InvalidValueError(
            "an inline cache is read as that of its image",
            hint="use type=registry,ref=IMAGE to read it",
        )
    _check_has(cache, "src")
    return _without(with_environment(cache), ("dest", "reset", "mode", "ignore-error"))


def check_target(cache: Cache) -> Cache:
    """Return a cache as it is written. Raises InvalidValueError for one that can only be read."""
    _check_has(cache, "dest")
    cache.is_set("reset")
    return _without(with_environment(cache), ("src", "digest"))


def frontend_attrs(imports: Iterable[Cache]) -> dict[str, str]:
    """Return how a frontend is told of the caches to read from, for the solves that it makes."""
    entries = [{"Type": each.type, "Attrs": dict(each.attrs)} for each in imports]
    return {"cache-imports": json.dumps(entries, separators=(",", ":"))} if entries else {}


def _check_has(cache: Cache, key: str) -> None:
    if cache.type == "local" and not cache.attrs.get(key):
        verb = "read" if key == "src" else "written"
        raise InvalidValueError(
            f"a local cache that is {verb} needs a {key}",
            hint=f"for example type=local,{key}=cache",
        )


def _without(cache: Cache, keys: Iterable[str]) -> Cache:
    return evolve(cache, attrs={k: v for k, v in cache.attrs.items() if k not in keys})


def with_environment(cache: Cache, environ: Mapping[str, str] = os.environ) -> Cache:
    """Return the cache of a GitHub workflow with what its runner says of it, as buildctl does.

    Any other cache stays as it is. Raises InvalidValueError where the runner says nothing.
    """
    if cache.type != "gha":
        return cache
    service = environ.get("ACTIONS_CACHE_SERVICE_V2", "").lower() in ("1", "t", "true")
    second = cache.attrs.get("version", "2" if service else "") == "2"
    results = environ.get("ACTIONS_RESULTS_URL")
    found = {
        "url_v2": results if second else None,
        "url": environ.get("ACTIONS_CACHE_URL", results),
        "token": environ.get("ACTIONS_RUNTIME_TOKEN"),
    }
    attrs = {key: value for key, value in found.items() if value is not None} | dict(cache.attrs)
    if "token" not in attrs or not {"url", "url_v2"} & set(attrs):
        raise InvalidValueError(
            "a gha cache needs a url and a token",
            hint="a workflow passes ACTIONS_RESULTS_URL and ACTIONS_RUNTIME_TOKEN on",
        )
    return evolve(cache, attrs=attrs)
