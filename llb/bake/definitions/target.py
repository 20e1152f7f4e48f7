"""Targets and groups as typed values, and the names of their attributes in bake files."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from attrs import field, fields, frozen

from llb.arguments.checked import checked_raw_init

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


# The name of a field's attribute in bake files.
_NAME = "bake"


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _texts(texts: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if texts is None else _names(texts)


def _attestations(entries: Iterable[Attestation] | None) -> tuple[Attestation, ...] | None:
    return None if entries is None else tuple(entries)


def _caches(entries: Iterable[CacheEntry] | None) -> tuple[CacheEntry, ...] | None:
    return None if entries is None else tuple(entries)


def _secrets(entries: Iterable[SecretEntry] | None) -> tuple[SecretEntry, ...] | None:
    return None if entries is None else tuple(entries)


def _agents(entries: Iterable[SSHEntry] | None) -> tuple[SSHEntry, ...] | None:
    return None if entries is None else tuple(entries)


def _outputs(entries: Iterable[OutputEntry] | None) -> tuple[OutputEntry, ...] | None:
    return None if entries is None else tuple(entries)


def _policies(entries: Iterable[PolicyEntry] | None) -> tuple[PolicyEntry, ...] | None:
    return None if entries is None else tuple(entries)


@checked_raw_init
@frozen
class Target:
    """A target: what is built, from which files, and where the result goes.

    An attribute that is None is not set, and has its default or the value of an inherited target.
    ``attrs.evolve`` changes attributes.
    """

    name: str
    description: str = field(default="", kw_only=True, metadata={_NAME: "description"})
    inherits: Texts = field(
        default=None, kw_only=True, converter=_texts, metadata={_NAME: "inherits"}
    )
    annotations: Texts = field(
        default=None, kw_only=True, converter=_texts, metadata={_NAME: "annotations"}
    )
    attest: tuple[Attestation, ...] | None = field(
        default=None, kw_only=True, converter=_attestations, metadata={_NAME: "attest"}
    )
    context: str | None = field(default=None, kw_only=True, metadata={_NAME: "context"})
    contexts: TextMap = field(default=None, kw_only=True, metadata={_NAME: "contexts"})
    dockerfile: str | None = field(default=None, kw_only=True, metadata={_NAME: "dockerfile"})
    dockerfile_inline: str | None = field(
        default=None, kw_only=True, metadata={_NAME: "dockerfile-inline"}
    )
    args: TextMap = field(default=None, kw_only=True, metadata={_NAME: "args"})
    labels: TextMap = field(default=None, kw_only=True, metadata={_NAME: "labels"})
    tags: Texts = field(default=None, kw_only=True, converter=_texts, metadata={_NAME: "tags"})
    cache_from: tuple[CacheEntry, ...] | None = field(
        default=None, kw_only=True, converter=_caches, metadata={_NAME: "cache-from"}
    )
    cache_to: tuple[CacheEntry, ...] | None = field(
        default=None, kw_only=True, converter=_caches, metadata={_NAME: "cache-to"}
    )
    target: str | None = field(default=None, kw_only=True, metadata={_NAME: "target"})
    secrets: tuple[SecretEntry, ...] | None = field(
        default=None, kw_only=True, converter=_secrets, metadata={_NAME: "secret"}
    )
    ssh: tuple[SSHEntry, ...] | None = field(
        default=None, kw_only=True, converter=_agents, metadata={_NAME: "ssh"}
    )
    platforms: Texts = field(
        default=None, kw_only=True, converter=_texts, metadata={_NAME: "platforms"}
    )
    outputs: tuple[OutputEntry, ...] | None = field(
        default=None, kw_only=True, converter=_outputs, metadata={_NAME: "output"}
    )
    pull: bool | None = field(default=None, kw_only=True, metadata={_NAME: "pull"})
    no_cache: bool | None = field(default=None, kw_only=True, metadata={_NAME: "no-cache"})
    network: str | None = field(default=None, kw_only=True, metadata={_NAME: "network"})
    no_cache_filter: Texts = field(
        default=None, kw_only=True, converter=_texts, metadata={_NAME: "no-cache-filter"}
    )
    shm_size: str | None = field(default=None, kw_only=True, metadata={_NAME: "shm-size"})
    ulimits: Texts = field(
        default=None, kw_only=True, converter=_texts, metadata={_NAME: "ulimits"}
    )
    resources: Resources | None = field(default=None, kw_only=True, metadata={_NAME: "resources"})
    call: str | None = field(default=None, kw_only=True, metadata={_NAME: "call"})
    entitlements: Texts = field(
        default=None, kw_only=True, converter=_texts, metadata={_NAME: "entitlements"}
    )
    extra_hosts: TextMap = field(default=None, kw_only=True, metadata={_NAME: "extra-hosts"})
    policy: tuple[PolicyEntry, ...] | None = field(
        default=None, kw_only=True, converter=_policies, metadata={_NAME: "policy"}
    )
    is_linked: bool = field(default=False, kw_only=True)


@checked_raw_init
@frozen
class Group:
    """A group: the names of targets, or of other groups, that are built together."""

    name: str
    targets: tuple[str, ...] = field(default=(), converter=_names)
    description: str = ""


# The names of the fields of a target by the names of their attributes, in the order of `--print`.
FIELDS: dict[str, str] = {
    each.metadata[_NAME]: each.name for each in fields(Target) if _NAME in each.metadata
}
# These say how often and under which name a target is there.
MATRIX_ATTRIBUTES = ("matrix", "name")
GROUP_ATTRIBUTES = ("description", "targets")
