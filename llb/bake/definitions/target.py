"""Targets and groups as typed values, and the names of their attributes in bake files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import field, fields, frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llb.bake.definitions.entries import (
        Attestation,
        CacheEntry,
        OutputEntry,
        PolicyEntry,
        Resources,
        SecretEntry,
        SSHEntry,
    )

Texts: TypeAlias = "tuple[str, ...] | None"
TextMap: TypeAlias = "Mapping[str, str] | None"


def _tuple(value: Iterable[Any] | None) -> tuple[Any, ...] | None:
    if isinstance(value, str):
        return (value,)
    return None if value is None else tuple(value)


def _attribute(name: str, converter: Callable[[Any], Any] | None = None) -> Any:
    return field(default=None, metadata={"bake": name}, converter=converter, kw_only=True)


@frozen
class Target:
    """A target: what is built, from which files, and where the result goes.

    An attribute that is None is not set, and has its default or the value of an inherited target.
    ``attrs.evolve`` changes attributes.
    """

    name: str
    description: str = field(default="", kw_only=True, metadata={"bake": "description"})
    inherits: Texts = _attribute("inherits", _tuple)
    annotations: Texts = _attribute("annotations", _tuple)
    attest: tuple[Attestation, ...] | None = _attribute("attest", _tuple)
    context: str | None = _attribute("context")
    contexts: TextMap = _attribute("contexts")
    dockerfile: str | None = _attribute("dockerfile")
    dockerfile_inline: str | None = _attribute("dockerfile-inline")
    args: TextMap = _attribute("args")
    labels: TextMap = _attribute("labels")
    tags: Texts = _attribute("tags", _tuple)
    cache_from: tuple[CacheEntry, ...] | None = _attribute("cache-from", _tuple)
    cache_to: tuple[CacheEntry, ...] | None = _attribute("cache-to", _tuple)
    target: str | None = _attribute("target")
    secrets: tuple[SecretEntry, ...] | None = _attribute("secret", _tuple)
    ssh: tuple[SSHEntry, ...] | None = _attribute("ssh", _tuple)
    platforms: Texts = _attribute("platforms", _tuple)
    outputs: tuple[OutputEntry, ...] | None = _attribute("output", _tuple)
    pull: bool | None = _attribute("pull")
    no_cache: bool | None = _attribute("no-cache")
    network: str | None = _attribute("network")
    no_cache_filter: Texts = _attribute("no-cache-filter", _tuple)
    shm_size: str | None = _attribute("shm-size")
    ulimits: Texts = _attribute("ulimits", _tuple)
    resources: Resources | None = _attribute("resources")
    call: str | None = _attribute("call")
    entitlements: Texts = _attribute("entitlements", _tuple)
    extra_hosts: TextMap = _attribute("extra-hosts")
    policy: tuple[PolicyEntry, ...] | None = _attribute("policy", _tuple)
    is_linked: bool = field(default=False, kw_only=True)


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


@frozen
class Group:
    """A group: the names of targets, or of other groups, that are built together."""

    name: str
    targets: tuple[str, ...] = field(default=(), converter=_names)
    description: str = ""


# The names of the fields of a target by the names of their attributes, in the order of `--print`.
FIELDS: dict[str, str] = {
    each.metadata["bake"]: each.name for each in fields(Target) if "bake" in each.metadata
}
# These say how often and under which name a target is there.
MATRIX_ATTRIBUTES = ("matrix", "name")
GROUP_ATTRIBUTES = ("description", "targets")
