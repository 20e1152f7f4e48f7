"""Build cache import and export: registry, local, inline, GitHub Actions, S3 and Azure caches."""

from __future__ import annotations

import json
import os
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from attrs import evolve, field, frozen

from llb.arguments.checked import checked, checked_init
from llb.client.csv_fields import hide_secrets
from llb.client.key_values import TRUE, check_daemon_names, parse_attributes, parse_flag, redact
from llb.errors import InvalidValueError, did_you_mean
from llb.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

CACHE_IMPORTS = "cache-imports"
"""The frontend attribute that holds imported caches in JSON."""

Mode: TypeAlias = Literal["min", "max"]
"""Which layers are exported: ``min`` for those of the result, ``max`` for those of every step."""

_LAYERS = (
    *("compression", "compression-level", "force-compression", "image-manifest"),
    *("oci-mediatypes", "mode", "ignore-error"),
)
_PREFIXES = ("name", "prefix", "manifests_prefix", "blobs_prefix", "mode", "ignore-error")
# The attributes of each type, from BuildKit's documentation and its cache/remotecache.
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
        *("compression", "compression-level", "force-compression"),
    ),
    "azblob": ("account_url", "account_name", "secret_access_key", "container", *_PREFIXES),
}
KINDS = tuple(_KEYS)
_MODES = ("min", "max")
_URLS = {"url", "url_v2"}
_AWS_KEYS = {"access_key_id", "secret_access_key"}
# The attributes of a cache, and the variables that AWS documents for all of its tools.
_AWS_VARIABLES = {
    "access_key_id": "AWS_ACCESS_KEY_ID",
    "secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "session_token": "AWS_SESSION_TOKEN",
}
_SECRET = ("token", "ghtoken", "session_token", "secret_access_key")


def _redacted(attrs: Mapping[str, str]) -> str:
    return redact(attrs, _SECRET)


@checked_init
@frozen
class Cache:
    """A build cache to import from or export to: its type, and BuildKit's attributes for that type.

    ``mode`` of an exported cache is ``min`` (the layers of the result) or ``max`` (those of every
    step). Raises InvalidValueError.
    """

    type: str
    attrs: Mapping[str, str] = field(factory=dict, repr=_redacted)

    def __attrs_post_init__(self) -> None:
        if self.type not in KINDS:
            raise InvalidValueError(
                f"unknown cache {self.type!r}: expected {', '.join(KINDS)}",
                hint=did_you_mean(self.type, KINDS),
            )
        check_daemon_names(self.attrs, _KEYS[self.type], f"the cache {self.type}")
        if self.type == "registry" and not self.attrs.get("ref"):
            raise InvalidValueError(
                "a registry cache needs a ref", hint="for example type=registry,ref=ghcr.io/o/cache"
            )
        if self.type == "registry":
            Reference.parse(self.attrs["ref"])
        mode = self.attrs.get("mode", "min")
        if mode not in _MODES:
            raise InvalidValueError(
                f"invalid cache mode {mode!r}: expected {', '.join(_MODES)}",
                hint=did_you_mean(mode, _MODES),
            )

    @checked
    def is_set(self, key: str) -> bool:
        """Check whether a boolean attribute is true. Raises InvalidValueError."""
        return parse_flag(self.attrs.get(key, "false"), key)


@checked
def registry_cache(
    ref: str, *, mode: Mode = "min", insecure: bool = False, ignore_error: bool = False
) -> Cache:
    """Create a cache in a registry, named by an image reference.

    ``insecure`` allows plain HTTP and untrusted certificates. With ``ignore_error``, a failed cache
    export does not fail the build.
    """
    attrs = {"ref": ref, "mode": mode}
    attrs |= {"registry.insecure": "true"} if insecure else {}
    return Cache("registry", attrs | ({"ignore-error": "true"} if ignore_error else {}))


@checked
def local_cache(
    folder: str | Path, *, mode: Mode = "min", tag: str | None = None, reset: bool = False
) -> Cache:
    """Create a cache in a folder on the client, an OCI layout, to import or export.

    ``tag`` names the cache in the layout, by default ``latest``. After an export, ``reset`` deletes
    the blobs that no cache in the folder refers to, unless another build is writing to the folder.
    """
    attrs = {"src": str(folder), "dest": str(folder), "mode": mode}
    attrs |= {} if tag is None else {"tag": tag}
    return Cache("local", attrs | ({"reset": "true"} if reset else {}))


def inline_cache() -> Cache:
    """Create an inline cache: exported into the image itself, imported as a registry cache."""
    return Cache("inline")


def with_inline(
    caches: Iterable[str | Cache], build_args: Mapping[str, object]
) -> tuple[str | Cache, ...]:
    """Add the inline cache that the build argument BUILDKIT_INLINE_CACHE asks for, as in buildx."""
    is_asked = build_args.get("BUILDKIT_INLINE_CACHE") in TRUE
    return (*caches, inline_cache()) if is_asked else tuple(caches)


def parse_cache(text: str) -> Cache:
    """Parse ``type=…,key=value…``, or a reference alone, which is a registry cache.

    Raises InvalidValueError.

    >>> parse_cache("ghcr.io/owner/cache")
    Cache(type='registry', attrs={'ref': 'ghcr.io/owner/cache'})
    """
    if "=" not in text:
        return Cache("registry", {"ref": text})
    attrs = parse_attributes(text, "cache", "type=registry,ref=ghcr.io/owner/cache,mode=max")
    kind = attrs.pop("type", None)
    if kind is None:
        raise InvalidValueError(f"invalid cache {hide_secrets(text)!r}: missing type")
    return Cache(kind, attrs)


def parse_caches(text: str) -> tuple[Cache, ...]:
    """Parse a cache, or several references with commas between them, as buildx does.

    Raises InvalidValueError.

    >>> [cache.attrs["ref"] for cache in parse_caches("ghcr.io/owner/a,ghcr.io/owner/b")]
    ['ghcr.io/owner/a', 'ghcr.io/owner/b']
    """
    return tuple(map(parse_cache, text.split(",") if "=" not in text else [text]))


def to_cache(cache: str | Cache) -> Cache:
    """Parse a string as a cache; pass a Cache through. Raises InvalidValueError."""
    return parse_cache(cache) if isinstance(cache, str) else cache


def check_source(cache: Cache) -> Cache:
    """Prepare a cache for import. Raises InvalidValueError if it can only be exported."""
    if cache.type == "inline":
        raise InvalidValueError(
            "an inline cache is imported from its image",
            hint="use type=registry,ref=IMAGE to read it",
        )
    _check_present(cache, "src")
    return _without(with_environment(cache), ("dest", "reset", "mode", "ignore-error"))


def check_target(cache: Cache) -> Cache:
    """Prepare a cache for export. Raises InvalidValueError if it can only be imported."""
    _check_present(cache, "dest")
    cache.is_set("reset")
    return _without(with_environment(cache), ("src", "digest"))


def frontend_attrs(imports: Iterable[Cache]) -> dict[str, str]:
    """Encode the imported caches as a frontend attribute, for the solves of the frontend."""
    entries = [{"Type": cache.type, "Attrs": dict(cache.attrs)} for cache in imports]
    return {CACHE_IMPORTS: json.dumps(entries, separators=(",", ":"))} if entries else {}


def _check_present(cache: Cache, key: str) -> None:
    if cache.type == "local" and not cache.attrs.get(key):
        verb = "read" if key == "src" else "written"
        raise InvalidValueError(
            f"a local cache that is {verb} needs a {key}",
            hint=f"for example type=local,{key}=cache",
        )


def _without(cache: Cache, keys: Iterable[str]) -> Cache:
    return evolve(cache, attrs={k: v for k, v in cache.attrs.items() if k not in keys})


def is_active(cache: Cache) -> bool:
    """Check whether a prepared cache can be used here: one of GitHub only in a workflow."""
    return cache.type != "gha" or ("token" in cache.attrs and bool(_URLS & cache.attrs.keys()))


def with_environment(cache: Cache, environ: Mapping[str, str] = os.environ) -> Cache:
    """Add what the environment has for a cache, except for attributes that are set.

    A ``gha`` cache gets the URL and token of the GitHub Actions runner, as by buildctl, an ``s3``
    cache without keys the credentials of AWS, as by buildx.
    """
    attrs: Mapping[str, str] = {}
    if cache.type == "gha":
        attrs = _runner(cache, environ)
    elif cache.type == "s3" and not cache.attrs.keys() >= _AWS_KEYS:
        attrs = _aws_credentials(environ)
    return evolve(cache, attrs={**attrs, **cache.attrs})


def _runner(cache: Cache, environ: Mapping[str, str]) -> dict[str, str]:
    service = environ.get("ACTIONS_CACHE_SERVICE_V2", "").lower() in ("1", "t", "true")
    second = cache.attrs.get("version", "2" if service else "") == "2"
    results = environ.get("ACTIONS_RESULTS_URL")
    values = {
        "url_v2": results if second else None,
        "url": environ.get("ACTIONS_CACHE_URL", results),
        "token": environ.get("ACTIONS_RUNTIME_TOKEN"),
    }
    return {key: value for key, value in values.items() if value is not None}


def _aws_credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """Find credentials of AWS by the names of a cache's attributes; empty without any.

    With the package botocore they may also be in the files of AWS, and come from single sign-on or
    from the role of a machine.
    """
    found = {key: environ[name] for key, name in _AWS_VARIABLES.items() if environ.get(name)}
    if found.keys() >= _AWS_KEYS:
        return found
    try:
        credentials: Any = resolve_name("botocore.session:get_session")().get_credentials()
    except ImportError:
        return {}
    if credentials is None:
        return {}
    frozen_credentials = credentials.get_frozen_credentials()
    values = (
        frozen_credentials.access_key,
        frozen_credentials.secret_key,
        frozen_credentials.token,
    )
    return {key: value for key, value in zip(_AWS_VARIABLES, values, strict=True) if value}
