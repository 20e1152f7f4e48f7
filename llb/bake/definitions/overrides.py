"""Changes to targets from the command line: ``--set pattern.attribute=value``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field

from llb.bake.definitions.entries import (
    OutputEntry,
    Resources,
    SecretEntry,
    parse_attestation,
    parse_caches,
    parse_output,
    parse_policy,
    parse_secret,
    parse_ssh,
    with_limit,
)
from llb.bake.definitions.merging import last_of_each, without_duplicates
from llb.bake.values.problems import Unsuitable
from llb.errors import BakeFileError, did_you_mean
from llb.gocompat.strconv import parse_switch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llb.bake.definitions.target import Target

    Change = Callable[[Target], Target]

_ALIASES = {
    "annotations": "annotation",
    "args": "arg",
    "entitlements": "entitlement",
    "extra-hosts": "extra-host",
    "labels": "label",
    "platforms": "platform",
    "resources": "resource",
    "secrets": "secret",
    "tags": "tag",
    "ulimits": "ulimit",
}
# Attributes with several values; an empty value removes them all.
_SEVERAL = (
    "output",
    "cache-to",
    "cache-from",
    "tag",
    "platform",
    "ssh",
    "attest",
    "entitlement",
    "annotation",
    "policy",
    "ulimit",
    "no-cache-filter",
)
# Attributes whose elements have names.
_NAMED = ("arg", "contexts", "label", "extra-host", "resource")
_TEXTS = {
    "context": "context",
    "dockerfile": "dockerfile",
    "target": "target",
    "call": "call",
    "shm-size": "shm_size",
    "network": "network",
}
_FLAGS = {"no-cache": "no_cache", "pull": "pull"}
_EXPORTS = ("load", "push")
_MAPS = {"arg": "args", "contexts": "contexts", "label": "labels", "extra-host": "extra_hosts"}
_LISTS = {
    "tag": "tags",
    "platform": "platforms",
    "ulimit": "ulimits",
    "no-cache-filter": "no_cache_filter",
    "entitlement": "entitlements",
    "annotation": "annotations",
}
# These are added to what the target has, unless they are cleared.
_ALWAYS_APPENDED = ("entitlement", "annotation", "attest")
_KEYS = (*_SEVERAL, *_NAMED, *_TEXTS, *_FLAGS, *_EXPORTS, "secret")


@define
class _Override:
    """The values for one attribute, or for one element of it."""

    values: list[str] = field(factory=list)
    appends: bool = False
    clears: bool = False

    @property
    def value(self) -> str:
        return self.values[-1] if self.values else ""

    def add(self, value: str, *, appends: bool) -> None:
        if not appends and not value:
            self.clears = True
            self.values = []
        else:
            self.values.append(value)
        self.appends = appends and not self.clears


def complete(texts: Iterable[str], look_up: Callable[[str], str | None]) -> list[str]:
    """Give build arguments without a value that of the environment; without one they are dropped.

    Raises BakeFileError.
    """
    completed = []
    for text in texts:
        _, _, element, _, value = _parsed(text)
        if value is None:
            value = look_up(element)
            if value is not None:
                completed.append(f"{text}={value}")
        else:
            completed.append(text)
    return completed


def parse_overrides(
    texts: Iterable[str], expand: Callable[[str], Iterable[str]]
) -> dict[str, Change]:
    """Parse complete overrides to changes by the names of targets. Raises BakeFileError.

    ``expand`` lists the targets that a pattern matches.
    """
    overrides: dict[str, dict[tuple[str, str], _Override]] = {}
    for text in texts:
        pattern, key, element, appends, value = _parsed(text)
        for name in expand(pattern):
            override = overrides.setdefault(name, {}).setdefault((key, element), _Override())
            if key in _SEVERAL or (key == "secret" and not element):
                override.add(value or "", appends=appends)
            else:
                override.values = [value or ""]
    return {name: partial(_changed, overrides=each) for name, each in overrides.items()}


def _parsed(text: str) -> tuple[str, str, str, bool, str | None]:
    left, equals, value = text.partition("=")
    path = left.removesuffix("+")
    pattern, _, rest = path.partition(".")
    attribute, dot, element = rest.partition(".")
    if not attribute:
        raise BakeFileError(f"invalid override key {path}, expected target.name")
    key = _ALIASES.get(attribute, attribute)
    if key not in _KEYS:
        raise BakeFileError(f"unknown key: {attribute}", hint=did_you_mean(attribute, _KEYS))
    if not equals and key != "arg":
        raise BakeFileError(f"invalid override {text}, expected target.name=value")
    if key in _NAMED and not element:
        raise BakeFileError(f"invalid key {left}, {key} requires name")
    if (dot and key not in {*_NAMED, "secret"}) or (dot and attribute == "secrets"):
        raise BakeFileError(f"invalid key {left}, {key} does not support subkeys")
    appends = left.endswith("+")
    if appends and (key == "resource" or (key == "secret" and element)):
        raise BakeFileError(f"invalid key {left}, {key} does not support append")
    return pattern, key, element, appends, value if equals else None


def _changed(target: Target, overrides: Mapping[tuple[str, str], _Override]) -> Target:
    # Exports are pushed and loaded after they have been replaced.
    ordered = sorted(overrides.items(), key=lambda item: (item[0][0] in _EXPORTS, item[0]))
    for (key, element), override in ordered:
        try:
            target = _apply(target, key, element, override)
        except Unsuitable as error:
            raise BakeFileError(f"invalid value for {key} of {target.name}: {error}") from None
    return target


def _apply(target: Target, key: str, element: str, override: _Override) -> Target:
    if key in _TEXTS:
        return _with(target, {_TEXTS[key]: override.value})
    if key in _FLAGS:
        return _with(target, {_FLAGS[key]: _flag(key, override.value)})
    if key in _MAPS:
        mapping = {**(getattr(target, _MAPS[key]) or {}), element: override.value}
        return _with(target, {_MAPS[key]: mapping})
    if key in _LISTS:
        return _with_texts(target, key, override)
    if key == "resource":
        resources = with_limit(target.resources or Resources(), element, override.value)
        return evolve(target, resources=resources)
    if key in _EXPORTS:
        change = _pushed if key == "push" else _loaded
        return evolve(target, outputs=change(target.outputs, enabled=_flag(key, override.value)))
    if key == "secret" and element:
        return _with_secret(target, element, override.value)
    return _with_entries(target, key, override)


def _with_texts(target: Target, key: str, override: _Override) -> Target:
    name = _LISTS[key]
    keeps = override.appends or (key in _ALWAYS_APPENDED and not override.clears)
    kept = (getattr(target, name) or ()) if keeps else ()
    return _with(target, {name: (*kept, *override.values)})


def _with_entries(target: Target, key: str, override: _Override) -> Target:
    texts = [text for text in override.values if text]
    added: tuple[Any, ...]
    match key:
        case "cache-from" | "cache-to":
            name = key.replace("-", "_")
            added = tuple(entry for text in texts for entry in parse_caches(text))
            kept = (getattr(target, name) or ()) if override.appends else ()
            return _with(target, {name: without_duplicates((*kept, *added))})
        case "output":
            added = tuple(map(parse_output, texts))
            kept = (target.outputs or ()) if override.appends else ()
            return evolve(target, outputs=without_duplicates((*kept, *added)))
        case "policy":
            kept = (target.policy or ()) if override.appends else ()
            return evolve(target, policy=(*kept, *map(parse_policy, override.values)))
        case "attest":
            kept = () if override.clears else target.attest or ()
            both = (*kept, *map(parse_attestation, texts))
            return evolve(target, attest=last_of_each(both, lambda entry: entry.type))
        case "secret":
            kept = (target.secrets or ()) if override.appends else ()
            secrets = (*kept, *map(parse_secret, texts))
            return evolve(target, secrets=last_of_each(secrets, lambda entry: entry.id))
        case _:
            kept = (target.ssh or ()) if override.appends else ()
            agents = (*kept, *map(parse_ssh, texts))
            return evolve(target, ssh=last_of_each(agents, lambda entry: entry.id))


def _with_secret(target: Target, identifier: str, text: str) -> Target:
    """Replace the source of a declared secret."""
    secret = parse_secret(text)
    if secret.id not in {"", identifier}:
        raise Unsuitable(f"the id '{secret.id}' does not match the declared secret '{identifier}'")
    declared = target.secrets or ()
    if identifier not in [each.id for each in declared]:
        raise Unsuitable(f"secret '{identifier}' must be declared before it can be overridden")
    changed = SecretEntry(identifier, secret.source, secret.env)
    kept = tuple(changed if each.id == identifier else each for each in declared)
    return evolve(target, secrets=kept)


def _with(target: Target, changes: dict[str, Any]) -> Target:
    return evolve(target, **changes)


def _flag(key: str, text: str) -> bool:
    try:
        return parse_switch(text)
    except ValueError:
        raise Unsuitable(f"invalid value {text} for boolean key {key}") from None


def _pushed(
    outputs: tuple[OutputEntry, ...] | None, *, enabled: bool
) -> tuple[OutputEntry, ...] | None:
    """Push the images that are created, or create one that is pushed; or push none."""
    if outputs is None and not enabled:
        return None
    flag = "true" if enabled else "false"
    changed = tuple(
        evolve(each, attributes={**each.attributes, "push": flag}) if each.type == "image" else each
        for each in outputs or ()
    )
    if not enabled:
        return _without_registries(changed)
    if any(each.type != "docker" for each in changed):
        return changed
    return (*changed, OutputEntry("image", attributes={"push": "true"}))


def _without_registries(outputs: tuple[OutputEntry, ...]) -> tuple[OutputEntry, ...]:
    """Remove the outputs that only push, as buildx does: the last one takes their place."""
    kept = list(outputs)
    index = 0
    while index < len(kept):
        if kept[index].type == "registry":
            kept[index] = kept[-1]
            kept.pop()
        else:
            index += 1
    return tuple(kept)


def _loaded(
    outputs: tuple[OutputEntry, ...] | None, *, enabled: bool
) -> tuple[OutputEntry, ...] | None:
    """Load the image into Docker, unless the outputs are no images."""
    if not enabled:
        return outputs
    for each in outputs or ():
        if each.type == "docker" and not each.destination:
            return outputs
        if each.type not in {"docker", "image", "registry", "oci"}:
            return outputs
    return (*(outputs or ()), OutputEntry("docker"))
