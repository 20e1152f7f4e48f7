"""Merge the services of several compose files, or a service with the one that it extends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llb.bake.compose.yaml_text import Replacement
from llb.errors import BakeFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Lists of KEY=VALUE, or the same as a mapping.
_PAIRS = ("args", "labels", "additional_contexts", "environment", "annotations", "sysctls")
# One text, or a list of texts.
_SEVERAL = ("extra_hosts", "env_file", "label_file", "dns", "tmpfs")
_REPLACED = ("command", "entrypoint", "test")
_BUILD = "build"


def merge(base: Any, other: Any, path: str = "") -> Any:
    """Merge a value over an earlier one. Raises BakeFileError."""
    if isinstance(other, Replacement):
        return other if other.removes else other.value
    key = path.rpartition(".")[2]
    if key in _PAIRS:
        return pairs(base, path) | pairs(other, path)
    if key == _BUILD:
        return merge_mappings(build_mapping(base), build_mapping(other), path)
    if key in _SEVERAL:
        return _joined(_texts(base), _texts(other))
    if other is None:
        return base
    if isinstance(base, dict) and key not in _REPLACED:
        if not isinstance(other, dict):
            raise BakeFileError(f"cannot override {path}: a mapping is expected")
        return merge_mappings(base, other, path)
    if isinstance(base, list) and key not in _REPLACED:
        if not isinstance(other, list):
            raise BakeFileError(f"cannot override {path}: a list is expected")
        return _joined(base, other)
    return other


def merge_mappings(
    base: Mapping[str, Any], other: Mapping[str, Any], path: str = ""
) -> dict[str, Any]:
    """Merge two mappings key by key. Raises BakeFileError."""
    merged = dict(base)
    for key, value in other.items():
        inner = f"{path}.{key}" if path else str(key)
        result = merge(merged[key], value, inner) if key in merged else value
        if isinstance(result, Replacement):
            merged.pop(key, None)
            if not result.removes:
                merged[key] = result.value
        else:
            merged[key] = result
    return merged


def build_mapping(build: Any) -> dict[str, Any]:
    """The build section as a mapping: a text is the context."""
    match build:
        case str():
            return {"context": build}
        case dict():
            return build
        case _:
            return {}


def pairs(value: Any, path: str) -> dict[str, str | None]:
    """Convert a mapping, or a list of KEY=VALUE, to texts by key. Raises BakeFileError."""
    match value:
        case None:
            return {}
        case dict():
            return {
                str(key): None if each is None else to_text(each) for key, each in value.items()
            }
        case list() if all(not isinstance(each, dict | list) for each in value):
            split = [to_text(each).partition("=") for each in value]
            return {key: text if equals else None for key, equals, text in split}
        case _:
            raise BakeFileError(f"{path}: a mapping or a list of KEY=VALUE is expected")


def to_text(value: Any) -> str:
    """Format a plain value as Go does."""
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e21:
            return str(int(value))
        case _:
            return str(value)


def _texts(value: Any) -> list[Any]:
    match value:
        case None:
            return []
        case list():
            return value
        case dict():
            return [
                f"{key}={to_text(each)}"
                for key, listed in value.items()
                for each in (listed if isinstance(listed, list) else [listed])
            ]
        case _:
            return [value]


def _joined(base: list[Any], other: list[Any]) -> list[Any]:
    return [*base, *(each for each in other if each not in base)]
