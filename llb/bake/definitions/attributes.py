"""Values of a block's attributes as fields of a target, and the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from llb.bake.definitions.entries import (
    STRINGS,
    Resources,
    attestation_from_value,
    caches_from_value,
    output_from_value,
    policy_from_value,
    resources_from_value,
    secret_from_value,
    ssh_from_value,
)
from llb.bake.definitions.target import FIELDS
from llb.bake.values.conversion import convert
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import (
    BOOL,
    STRING,
    ListType,
    MapType,
    ObjectType,
    TupleType,
    is_mapping,
)
from llb.bake.values.value import (
    Value,
    boolean,
    list_of,
    map_of,
    null,
    object_of,
    string,
)
from llb.gocompat.fmt import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@frozen
class Kind:
    """How the values of an attribute become the field of a target, and values again."""

    decode: Callable[[Value], Any]
    encode: Callable[[Any], Value]
    empty: Value


def _text(value: Value) -> str | None:
    converted = convert(value, STRING)
    return None if converted.is_null else converted.text


def _required_text(value: Value) -> str:
    text = _text(value)
    if text is None:
        raise Unsuitable("a string is required, not null")
    return text


def _flag(value: Value) -> bool | None:
    converted = convert(value, BOOL)
    return None if converted.is_null else converted.is_true


def _texts(value: Value) -> tuple[str, ...] | None:
    converted = convert(value, ListType(STRING))
    if converted.is_null:
        return None
    for index, element in enumerate(converted.elements):
        if element.is_null:
            raise Unsuitable(f"element {index}: a string is required, not null")
    return tuple(element.text for element in converted.elements)


def _text_map(value: Value) -> dict[str, str] | None:
    """Convert a map of strings; elements that are null are left out, as if they were not there."""
    converted = convert(value, STRINGS)
    if converted.is_null:
        return None
    return {name: each.text for name, each in converted.members.items() if not each.is_null}


def _full_map(value: Value) -> dict[str, str] | None:
    converted = convert(value, STRINGS)
    if converted.is_null:
        return None
    for name, each in converted.members.items():
        if each.is_null:
            raise Unsuitable(f"element {quote(name)}: a string is required, not null")
    return {name: each.text for name, each in converted.members.items()}


def _entries(decode: Callable[[Value], Any]) -> Callable[[Value], tuple[Any, ...] | None]:
    """Decode a list whose elements are objects or lines of CSV; empty lines are left out."""

    def decoded(value: Value) -> tuple[Any, ...] | None:
        if value.is_null:
            return None
        if not isinstance(value.type, ListType | TupleType):
            raise Unsuitable(f"list required, but have {value.type.friendly}")
        entries: list[Any] = []
        for index, element in enumerate(value.elements):
            if element.content == "":
                continue
            try:
                entry = decode(element)
            except Unsuitable as error:
                raise Unsuitable(f"element {index}: {error}") from None
            entries += entry if isinstance(entry, list) else [entry]
        return tuple(entries)

    return decoded


def _entries_value(entries: tuple[Any, ...] | None) -> Value:
    return list_of((entry.to_value() for entry in entries or ()), STRINGS)


def _texts_value(texts: tuple[str, ...]) -> Value:
    return list_of(map(string, texts), STRING)


def _map_value(texts: Mapping[str, str]) -> Value:
    return map_of({name: string(text) for name, text in texts.items()}, STRING)


def _resources(value: Value) -> Resources | None:
    if value.is_null:
        return None
    if not is_mapping(value.type):
        raise Unsuitable(f"object required, but have {value.type.friendly}")
    return resources_from_value(value)


def _of_entries(decode: Callable[[Value], Any]) -> Kind:
    return Kind(_entries(decode), _entries_value, list_of((), STRINGS))


_LIST = Kind(_texts, _texts_value, null(ListType(STRING)))
_MAP = Kind(_text_map, _map_value, null(MapType(STRING)))
_TEXT = Kind(_text, string, null(STRING))
_BOOL = Kind(_flag, boolean, null(BOOL))
_KINDS: dict[str, Kind] = {
    "description": Kind(_required_text, string, string("")),
    "attest": _of_entries(attestation_from_value),
    "contexts": Kind(_full_map, _map_value, null(MapType(STRING))),
    "cache-from": _of_entries(caches_from_value),
    "cache-to": _of_entries(caches_from_value),
    "secret": _of_entries(secret_from_value),
    "ssh": _of_entries(ssh_from_value),
    "output": _of_entries(output_from_value),
    "policy": _of_entries(policy_from_value),
    "resources": Kind(_resources, lambda resources: resources.to_value(), null(ObjectType(()))),
    **dict.fromkeys(("pull", "no-cache"), _BOOL),
    **dict.fromkeys(("args", "labels", "extra-hosts"), _MAP),
    **dict.fromkeys(
        (
            "inherits",
            "annotations",
            "tags",
            "platforms",
            "no-cache-filter",
            "ulimits",
            "entitlements",
            "targets",
        ),
        _LIST,
    ),
    **dict.fromkeys(
        (
            "context",
            "dockerfile",
            "dockerfile-inline",
            "target",
            "network",
            "shm-size",
            "call",
        ),
        _TEXT,
    ),
}


def decode(name: str, value: Value) -> Any:
    """Convert the value of an attribute to the field. Raises Unsuitable."""
    return _KINDS[name].decode(value)


def target_value(name: str, decoded: Mapping[str, Any]) -> Value:
    """Convert the attributes of a target that are known to what other targets see."""
    members = {"name": string(name)}
    for attribute in FIELDS:
        kind = _KINDS[attribute]
        content = decoded.get(attribute)
        members[attribute] = kind.empty if content is None else kind.encode(content)
    return object_of(members)


def group_value(name: str, decoded: Mapping[str, Any]) -> Value:
    """Convert the attributes of a group that are known to what other blocks see."""
    targets = decoded.get("targets")
    return object_of(
        {
            "name": string(name),
            "description": string(decoded.get("description") or ""),
            "targets": null(ListType(STRING)) if targets is None else _texts_value(targets),
        }
    )
