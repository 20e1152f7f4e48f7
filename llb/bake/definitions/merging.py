"""Merge targets: an inherited one with its heir, and two definitions of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from llb.bake.definitions.entries import Resources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from llb.bake.definitions.target import Target

T = TypeVar("T")

_REPLACED = (
    "context",
    "dockerfile",
    "dockerfile_inline",
    "tags",
    "target",
    "call",
    "platforms",
    "cache_to",
    "outputs",
    "pull",
    "no_cache",
    "network",
    "shm_size",
)
_JOINED = ("annotations", "policy", "no_cache_filter", "ulimits", "entitlements")
_MAPS = ("args", "contexts", "labels", "extra_hosts")
_BY_ID: dict[str, Callable[[Any], str]] = {
    "attest": lambda e: e.type,
    "secrets": lambda e: e.id,
    "ssh": lambda e: e.id,
}
_UNIQUE_TEXTS = (
    "annotations",
    "tags",
    "platforms",
    "no_cache_filter",
    "ulimits",
    "entitlements",
)


def merge(first: Target, second: Target) -> Target:
    """Add the attributes of a later definition to an earlier one, whose name is kept."""
    changes: dict[str, Any] = {}
    for name, combine in _COMBINED.items():
        later = getattr(second, name)
        if later is not None:
            changes[name] = combine(getattr(first, name), later)
    if second.description:
        changes["description"] = second.description
    inherits = (*(first.inherits or ()), *(second.inherits or ()))
    return evolve(first, **changes, inherits=inherits or None)


def _replace(_: Any, later: Any) -> Any:
    return later


def _join(earlier: Any, later: Any) -> Any:
    return (*(earlier or ()), *later)


def _update(earlier: Any, later: Any) -> Any:
    return {**(earlier or {}), **later} or None


def _update_resources(earlier: Resources | None, later: Resources) -> Resources:
    return Resources({**(earlier.limits if earlier else {}), **later.limits})


def _join_caches(earlier: Any, later: Any) -> Any:
    return without_duplicates(_join(earlier, later))


def normalize(target: Target) -> Target:
    """Remove duplicates and empty texts; a target in the network of the host needs to be allowed."""
    changes: dict[str, Any] = {}
    if target.network == "host":
        changes["entitlements"] = (*(target.entitlements or ()), "network.host")
    for name in _UNIQUE_TEXTS:
        texts = changes.get(name, getattr(target, name))
        if texts is not None:
            changes[name] = tuple(dict.fromkeys(text for text in texts if text))
    for name, identify in _BY_ID.items():
        if getattr(target, name) is not None:
            changes[name] = last_of_each(getattr(target, name), identify) or None
    for name in ("cache_from", "cache_to", "outputs"):
        if getattr(target, name) is not None:
            changes[name] = without_duplicates(getattr(target, name)) or None
    if target.contexts is not None:
        contexts = {name: value for name, value in target.contexts.items() if value}
        changes["contexts"] = contexts or None
    return evolve(target, **changes)


def last_of_each(entries: Iterable[T], identify: Callable[[T], str]) -> tuple[T, ...]:
    """Keep the last entry of each identity, in the place of the first."""
    kept: dict[str, T] = {}
    for entry in entries:
        kept[identify(entry)] = entry
    return tuple(kept.values())


def without_duplicates(entries: Sequence[T]) -> tuple[T, ...]:
    """Remove duplicates as buildx does: the last entry takes the place of a duplicate."""
    kept = list(entries)
    for index in range(len(kept) - 2, -1, -1):
        for later in range(index + 1, len(kept)):
            if kept[index] == kept[later]:
                kept[later] = kept[-1]
                kept.pop()
                break
    return tuple(kept)


def _by_identity(identify: Callable[[Any], str]) -> Callable[[Any, Any], Any]:
    return lambda earlier, later: last_of_each(_join(earlier, later), identify)


_COMBINED: dict[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(_REPLACED, _replace),
    **dict.fromkeys(_JOINED, _join),
    **dict.fromkeys(_MAPS, _update),
    **{name: _by_identity(identify) for name, identify in _BY_ID.items()},
    "cache_from": _join_caches,
    "resources": _update_resources,
}
